import Columns
import Foundation
import Yams

/// Rules of obs that say what Sigma rules say, and what of them cannot be said.
///
/// Taken are rules for `product: linux` of the services `sshd`, `auth`, `sudo` and such, and the correlations `event_count`,
/// `value_count`, `temporal` and `temporal_ordered` over them. Fields become columns of `silver.ssh`; a keyword becomes the
/// events of the messages that contain it, because silver keeps what a message says and not its text. An alternative that one
/// match cannot say becomes a rule of its own.
///
/// Source: Sigma specification 2, "Sigma Rules" and "Sigma Correlation Rules".
public struct SigmaImport {
    /// A file for `detections:` of `obs.yaml`; empty when nothing could be taken.
    public private(set) var yaml = ""
    /// What could not be taken and why, one sentence each.
    public private(set) var problems: [String] = []
    /// How many rules of Sigma became rules of obs.
    public private(set) var taken = 0

    /// A larger file is not a rule that somebody wrote.
    static let maxSize = 1 << 20
    private static let maxDocuments = 500

    /// A rule or a correlation and the file that it is in.
    private typealias Entry<Value> = (value: Value, file: String)

    private var rules: [Entry<SigmaRule>] = []
    private var correlations: [Entry<SigmaCorrelation>] = []
    /// Names of rules that are taken: two titles may become the same name.
    private var names: Set<String> = []

    /// - Parameter files: one or more YAML documents each, with the name for what is said of them. Correlations may name rules of
    ///   all files.
    /// - Throws: ``UsageError`` when one is not YAML, or too large; ``ConfigurationError`` when one is nested too deeply.
    public init(_ files: [(text: String, file: String)]) throws {
        for (text, file) in files {
            guard text.utf8.count <= Self.maxSize else {
                throw UsageError("\(file): has more than 1 MiB; a file of Sigma rules is smaller")
            }
            try YAMLDocument.requireShallow(text, file: file)
            let documents = try Self.documents(text, file)
            guard documents.count <= Self.maxDocuments else {
                throw UsageError("\(file): has more than \(Self.maxDocuments) documents; cut it into several files")
            }
            for document in documents { read(document, file) }
        }
        for rule in rules { write(rule.value) }
        for correlation in correlations { write(correlation.value, correlation.file) }
    }

    private static func documents(_ text: String, _ file: String) throws -> [Node] {
        do {
            var sequence = try Yams.compose_all(yaml: text)
            var documents: [Node] = []
            while let document = sequence.next() { documents.append(document) }
            if let error = sequence.error { throw error }
            return documents
        } catch {
            throw UsageError("\(file): this is not valid YAML: \(error)")
        }
    }

    private mutating func read(_ document: Node, _ file: String) {
        guard let title = document["title"]?.string, !title.isEmpty else {
            problems.append("\(file): a document has no title; it is not a Sigma rule")
            return
        }
        do throws(SigmaProblem) {
            if document["correlation"] != nil {
                correlations.append((try SigmaCorrelation(document, title: title), file))
            } else {
                var rule = try SigmaRule(document, title: title)
                rule.baseName = uniqueName(rule.baseName)
                rules.append((rule, file))
            }
        } catch {
            problems.append(Self.problem(error.text, of: title, file))
        }
    }

    private static func problem(_ text: String, of title: String, _ file: String) -> String { "\(file): '\(title)': \(text)" }

    private mutating func uniqueName(_ name: String) -> String {
        var unique = name, number = 1
        while !names.insert(unique).inserted {
            number += 1
            unique = "\(name)_\(number)"
        }
        return unique
    }

    // MARK: Rules

    /// The correlations that look at a rule.
    private func users(of rule: SigmaRule) -> [SigmaCorrelation] {
        correlations.map(\.value).filter { !Set($0.rules).isDisjoint(with: rule.names) }
    }

    private mutating func write(_ rule: SigmaRule) {
        taken += 1
        let users = users(of: rule)
        // A count counts the rows themselves; the rule is written where something else needs its findings.
        if !users.isEmpty, users.allSatisfy({ $0.kind.countsRows && !$0.generates }) { return }
        let grouped = Set(users.filter { !$0.kind.countsRows }.flatMap(\.groupBy)).subtracting(["host"]).sorted()
        for (index, match) in rule.alternatives.enumerated() {
            var entry = SigmaEntry(
                rule.name(index), title: "\(SigmaEntry.plain(rule.title)) on {host}", SigmaEntry.plain(rule.description),
                severity: rule.severity, technique: rule.technique)
            // One that only correlations look at opens no incident, unless its file wants both.
            if !users.isEmpty, users.allSatisfy({ !$0.generates }) { entry.add("mode", "internal") }
            entry.add("match", quoted: match)
            entry.addExceptions(rule.exceptions)
            entry.add("group_by", "[host]")
            entry.add("include", "[\((grouped.isEmpty ? ["source", "user"] : grouped).joined(separator: ", "))]")
            entry.add("within", "5m")
            entry.add("count", "1")
            yaml += entry.text
        }
    }

    private mutating func write(_ correlation: SigmaCorrelation, _ file: String) {
        do throws(SigmaProblem) {
            var entry = try entry(of: correlation)
            entry.rename(uniqueName(SigmaRule.name(correlation.title)))
            yaml += entry.text
            taken += 1
        } catch {
            problems.append(Self.problem(error.text, of: correlation.title, file))
        }
    }

    private func entry(of correlation: SigmaCorrelation) throws(SigmaProblem) -> SigmaEntry {
        let members = correlation.rules.compactMap { name in rules.map(\.value).first { $0.names.contains(name) } }
        guard members.count == correlation.rules.count else {
            let missing = correlation.rules.filter { name in !rules.contains { $0.value.names.contains(name) } }
            throw SigmaProblem(
                "its rules \(missing.joined(separator: ", ")) could not be taken, or are in no file; name their files too"
            )
        }
        let who = correlation.groupBy.isEmpty ? "" : ": " + correlation.groupBy.map { "{\($0)}" }.joined(separator: ", ")
        var entry = SigmaEntry(
            "", title: SigmaEntry.plain(correlation.title) + who, SigmaEntry.plain(correlation.description),
            severity: correlation.severity ?? members.map(\.severity).max() ?? .warning,
            technique: correlation.technique ?? members.compactMap(\.technique).first)
        switch correlation.kind {
        case .eventCount(let count): try addRows(of: members, counting: "count", "\(count)", correlation, to: &entry)
        case .valueCount(let column, let count):
            try addRows(of: members, counting: "distinct", "{ column: \(column), count: \(count) }", correlation, to: &entry)
        case .temporal: try addFindings(of: members, correlation, to: &entry)
        case .temporalOrdered: addSequence(of: members, correlation, to: &entry)
        }
        return entry
    }

    private func addRows(
        of members: [SigmaRule], counting key: String, _ value: String, _ correlation: SigmaCorrelation,
        to entry: inout SigmaEntry
    ) throws(SigmaProblem) {
        let alternatives = members.flatMap(\.alternatives)
        guard alternatives.count == 1 else {
            throw SigmaProblem(
                "it counts what \(alternatives.count) different matches find together, and a rule of obs counts what one finds; "
                    + "write a rule of one match")
        }
        entry.add("match", quoted: alternatives[0])
        entry.addExceptions(members.flatMap(\.exceptions))
        entry.addWindow(correlation)
        entry.add(key, value)
    }

    private func addFindings(
        of members: [SigmaRule], _ correlation: SigmaCorrelation, to entry: inout SigmaEntry
    ) throws(SigmaProblem) {
        let names = members.flatMap { rule in rule.alternatives.indices.map { rule.name($0) } }
        guard names.count == members.count else {
            throw SigmaProblem(
                "one of its rules has alternatives, and 'temporal' would ask for all of them; write a rule of one match")
        }
        entry.add("on", "findings")
        entry.add("match", quoted: "rule=~\"\(names.joined(separator: "|"))\"")
        entry.addWindow(correlation)
        entry.add("distinct", "{ column: rule, count: \(names.count) }")
    }

    private func addSequence(of members: [SigmaRule], _ correlation: SigmaCorrelation, to entry: inout SigmaEntry) {
        entry.add("on", "findings")
        entry.addWindow(correlation)
        let steps = members.map { rule in
            "\n    - { match: 'rule=~\"\(rule.alternatives.indices.map { rule.name($0) }.joined(separator: "|"))\"' }"
        }
        entry.add("sequence", steps.joined())
    }
}

/// Why something of a Sigma rule cannot be said.
struct SigmaProblem: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// One entry of a file of rules, as it is written.
private struct SigmaEntry {
    private var lines: [String]

    init(_ name: String, title: String, _ description: String, severity: SigmaRule.Level, technique: String?) {
        lines = ["- name: \(name)", "  pipeline: ssh", "  severity: \(severity.rawValue)"]
        if let technique { lines.append("  labels: { technique: \(technique) }") }
        add("title", quoted: title)
        add("description", quoted: description)
    }

    mutating func rename(_ name: String) { lines[0] = "- name: \(name)" }

    mutating func add(_ key: String, _ value: String) {
        lines.append("  \(key):\(value.hasPrefix("\n") ? "" : " ")\(value)")
    }

    mutating func add(_ key: String, quoted text: String) { add(key, Self.quoted(text)) }

    /// As a text of YAML in single quotes, in which nothing but the quote itself means anything.
    private static func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }

    mutating func addExceptions(_ exceptions: [String]) {
        guard !exceptions.isEmpty else { return }
        add("except", exceptions.map { "\n    - \(Self.quoted($0))" }.joined())
    }

    mutating func addWindow(_ correlation: SigmaCorrelation) {
        add("group_by", "[\(correlation.groupBy.joined(separator: ", "))]")
        add("within", correlation.timespan)
    }

    /// A text on one line without braces, which are places of labels, and without characters that YAML does not take.
    static func plain(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "{": "("
            case "}": ")"
            default: scalar.properties.generalCategory.isPlain ? String(scalar) : " "
            }
        }.joined()
    }

    var text: String { lines.joined(separator: "\n") + "\n" }
}

extension Unicode.GeneralCategory {
    fileprivate var isPlain: Bool {
        switch self {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .format, .privateUse: false
        default: true
        }
    }
}
