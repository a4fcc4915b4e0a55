import Columns
import Foundation
import Parsing
import Yams

/// One rule of Sigma as matchers of obs.
struct SigmaRule {
    /// The severities of obs, the highest last.
    enum Level: String, Comparable {
        case info, warning, critical

        static func < (left: Level, right: Level) -> Bool { left.order < right.order }

        private var order: Int { self == .info ? 0 : self == .warning ? 1 : 2 }

        /// - Parameter sigma: `informational`, `low`, `medium`, `high` or `critical`.
        init(sigma: String?) {
            self = sigma == "critical" ? .critical : ["medium", "high"].contains(sigma) ? .warning : .info
        }
    }

    let title: String
    let description: String
    let severity: Level
    /// Of ATT&CK, such as `T1110`.
    let technique: String?
    /// By which correlations name it: its name, its id, its title.
    let names: Set<String>
    /// The name of the rule of obs.
    var baseName: String
    /// Matchers, each list of which is a finding.
    private(set) var alternatives: [String] = []
    /// Matchers of rows that do not count.
    private(set) var exceptions: [String] = []

    private static let services: Set = ["sshd", "auth", "authpriv", "sudo", "su", "syslog", "useradd", "passwd"]
    private static let maxAlternatives = 32

    init(_ document: Node, title: String) throws(SigmaProblem) {
        self.title = title
        description = document["description"]?.string ?? title
        severity = Level(sigma: document["level"]?.string)
        technique = Self.technique(document)
        names = Set(["name", "id", "title"].compactMap { document[$0]?.string })
        baseName = Self.name(title)
        let product = document["logsource"]?["product"]?.string, service = document["logsource"]?["service"]?.string
        guard product == nil || product == "linux", service.map(Self.services.contains) ?? true, product != nil || service != nil
        else {
            let source = [product, service].compactMap(\.self).joined(separator: ", ")
            throw SigmaProblem("its log source (\(source)) is not one that obs reads so; linux with sshd, auth or sudo are")
        }
        guard let detection = document["detection"]?.mapping, let condition = detection["condition"]?.string else {
            throw SigmaProblem("it has no detection with one condition")
        }
        if detection["timeframe"] != nil { throw SigmaProblem("it has a 'timeframe' of Sigma 1; write a correlation") }
        var selections: [String: SigmaSelection] = [:]
        for (name, value) in detection where name.string != "condition" {
            selections[name.string ?? ""] = try SigmaSelection(value, name: name.string ?? "")
        }
        try combine(try SigmaCondition(condition, names: selections.keys.sorted()), selections)
    }

    /// A condition is alternatives of selections that must all hold, and of selections of which none may.
    private mutating func combine(_ condition: SigmaCondition, _ selections: [String: SigmaSelection]) throws(SigmaProblem) {
        for term in condition.alternatives {
            var found: [[String]] = [[]]
            for name in term.wanted.sorted() {
                let choices = selections[name]!.alternatives
                found = found.flatMap { known in choices.map { known + $0 } }
                guard found.count <= Self.maxAlternatives else {
                    throw SigmaProblem("its condition has more than \(Self.maxAlternatives) alternatives")
                }
            }
            guard !term.wanted.isEmpty else { throw SigmaProblem("an alternative of its condition only says what must not be") }
            let excluded = term.excluded.sorted().flatMap { selections[$0]!.alternatives.map { $0.joined(separator: ", ") } }
            if condition.alternatives.count > 1, !excluded.isEmpty {
                throw SigmaProblem("alternatives of its condition have exceptions of their own; write a rule for each")
            }
            alternatives += found.map { $0.joined(separator: ", ") }
            exceptions += excluded
        }
        guard !alternatives.isEmpty, alternatives.count <= Self.maxAlternatives else {
            throw SigmaProblem("its condition has no alternative, or too many")
        }
    }

    /// The name of the rule of obs for an alternative.
    func name(_ index: Int) -> String { baseName + (alternatives.count > 1 ? "\(index + 1)" : "") }

    /// `SSH Brute Force (slow)` becomes `SigmaSSHBruteForceSlow`.
    static func name(_ title: String) -> String {
        let words = title.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        return "Sigma" + words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    static func technique(_ document: Node) -> String? {
        document["tags"]?.sequence?.compactMap(\.string).first { $0.wholeMatch(of: /attack\.t[0-9]{4}(\.[0-9]{3})?/) != nil }
            .map { "T" + $0.dropFirst(8) }
    }
}

/// One selection: lists of matchers, of which one must hold.
struct SigmaSelection {
    private(set) var alternatives: [[String]] = []

    init(_ node: Node, name: String) throws(SigmaProblem) {
        if let mapping = node.mapping {
            alternatives = [try Self.all(of: mapping)]
        } else if let sequence = node.sequence {
            if sequence.allSatisfy({ $0.mapping != nil }) {
                alternatives = try sequence.map { node throws(SigmaProblem) in try Self.all(of: node.mapping!) }
            } else {
                alternatives = [[try Self.keywords(sequence.compactMap(\.string), areAll: false)]]
            }
        } else if let text = node.string {
            alternatives = [[try Self.keywords([text], areAll: false)]]
        }
        guard !alternatives.isEmpty else { throw SigmaProblem("the selection '\(name)' is empty") }
    }

    private static func all(of mapping: Node.Mapping) throws(SigmaProblem) -> [String] {
        try mapping.map { key, value throws(SigmaProblem) in
            let parts = (key.string ?? "").split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            let values =
                value.sequence.map { $0.map { $0.null != nil ? "" : $0.string ?? "" } } ?? [
                    value.null != nil ? "" : value.string ?? ""
                ]
            if parts[0].isEmpty || parts[0] == "keywords" || parts[0] == "message" || parts[0] == "Message" {
                return try keywords(values, areAll: parts.contains("all"))
            }
            return try matcher(parts[0], Array(parts.dropFirst()), values)
        }
    }

    /// Sigma's fields, in small letters, and the columns that they are.
    private static let columns: [String: String] = [
        "user": "user", "username": "user", "targetusername": "user", "acct": "user", "user.name": "user",
        "src_ip": "source", "sourceip": "source", "source.ip": "source", "source": "source", "src": "source", "rhost": "source",
        "ipaddress": "source",
        "host": "host", "hostname": "host", "computer": "host", "computername": "host", "host.name": "host",
        "src_port": "port", "sourceport": "port", "source.port": "port", "port": "port",
        "process": "process", "program": "process", "processname": "process", "process.name": "process",
        "event": "event", "outcome": "outcome", "stage": "stage", "method": "method",
    ]

    static func column(_ field: String) throws(SigmaProblem) -> String {
        guard let column = columns[field.lowercased()] else {
            throw SigmaProblem("the field '\(field)' is not a column of silver.ssh")
        }
        return column
    }

    private static func matcher(_ field: String, _ modifiers: [String], _ values: [String]) throws(SigmaProblem) -> String {
        let column = try column(field)
        for modifier in modifiers where !["contains", "startswith", "endswith", "re", "all"].contains(modifier) {
            throw SigmaProblem("the modifier '\(modifier)' of '\(field)' has no equivalent among the matchers of obs")
        }
        if modifiers == ["re"] {
            return values.count == 1
                ? "\(column)=~\(quoted(values[0]))" : "\(column)=~\(quoted(values.map { "(?:\($0))" }.joined(separator: "|")))"
        }
        func pattern(_ value: String) -> String {
            let (before, after) = (
                modifiers.contains("contains") || modifiers.contains("endswith"),
                modifiers.contains("contains") || modifiers.contains("startswith")
            )
            return (before ? ".*" : "") + wildcards(value) + (after ? ".*" : "")
        }
        if modifiers.contains("all") { return values.map { "\(column)=~\(quoted(pattern($0)))" }.joined(separator: ", ") }
        if values.count == 1, modifiers.isEmpty, !values[0].contains(where: { "*?\\".contains($0) }) {
            return "\(column)=\(quoted(values[0]))"
        }
        return "\(column)=~\(quoted(values.map(pattern).joined(separator: "|")))"
    }

    /// `*` is any text and `?` any character, unless a backslash precedes it.
    private static func wildcards(_ text: String) -> String {
        var pattern = "", isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                pattern += escaped(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                pattern += scalar == "*" ? ".*" : scalar == "?" ? "." : escaped(scalar)
            }
        }
        return pattern + (isEscaped ? "\\\\" : "")
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        "\\.+*?()|[]{}^$".unicodeScalars.contains(scalar) ? "\\\(scalar)" : String(scalar)
    }

    /// Texts of messages: the events of all messages that have one of them in it, or all.
    private static func keywords(_ words: [String], areAll: Bool) throws(SigmaProblem) -> String {
        let found = areAll ? [LogFormats.sshEvents(saying: words)] : words.map { LogFormats.sshEvents(saying: [$0]) }
        for (word, events) in zip(areAll ? [words.joined(separator: "' and '")] : words, found) where events.isEmpty {
            throw SigmaProblem(
                "the keyword '\(word)' is in no message of sshd that obs tells apart, and silver keeps no text of messages")
        }
        let events = Set(found.flatMap(\.self)).sorted()
        return events.count == 1 ? "event=\(quoted(events[0]))" : "event=~\(quoted(events.joined(separator: "|")))"
    }

    private static func quoted(_ text: String) -> String { OutsideText(text).quotedLabel }
}
