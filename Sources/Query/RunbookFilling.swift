import Incidents
import Columns
import Detection

/// The values of an incident for the commands of its runbook: pasted into a shell, they work on this incident and no other.
///
/// A name in braces inside of code becomes one word of a POSIX shell. The values are an attacker's text: a value that cannot be
/// one harmless word is not filled in, and the name stays.
struct RunbookFilling: Sendable {
    /// The names that a runbook may use: the incident's id, its address, account and machine, and in `matchers` its labels for
    /// `obs query` and `obs silence`.
    static let names = ["incident", "source", "user", "host", "matchers"]

    private let words: Labels

    /// - Parameter values: by name.
    init(_ values: Labels) {
        words = values.reduce(into: Labels()) { words, value in
            guard value.key != "source" && value.key != "host" || Self.isAddress(value.value) else { return }
            words[value.key] = Self.shellWord(value.value)
        }
    }

    /// - Parameters:
    ///   - children: used for a value that the incident itself does not have, if all of them agree on it.
    ///   - hosts: the machines that the evidence names.
    init(_ incident: Incident, children: [Incident], hosts: [String]) {
        var values: Labels = ["incident": incident.id]
        for name in ["source", "user", "host"] {
            let known = children.compactMap { $0.labels[name] }.distinctTexts
            values[name] = incident.labels[name] ?? (known.count == 1 ? known.first?.string : nil)
        }
        if values["host"] == nil, hosts.count == 1 { values["host"] = hosts[0] }
        let matchers = incident.labels.ofSubject.filter { $0.key != "source_net" }  // no column of a table
            // An equality has no expression that could be malformed.
            .compactMap { try? Matcher($0.key, .equal, $0.value).description }
        if !matchers.isEmpty { values["matchers"] = matchers.joined(separator: ", ") }
        self.init(values)
    }

    /// A word that a shell reads as exactly this text; nil where that is not certain: control and invisible characters, a
    /// backtick (which would end the code on the page), or a leading dash (which a command takes for an option).
    ///
    /// Source: POSIX.1-2017, Shell Command Language, 2.2.2 "Single-Quotes".
    static func shellWord(_ value: String) -> String? {
        let scalars = value.unicodeScalars
        guard let first = scalars.first, first != "-", value.utf8.count <= 1000, !scalars.contains(where: isUnfit) else {
            return nil
        }
        if scalars.allSatisfy(isPlain) { return value }
        var word = "'"
        for scalar in scalars {
            if scalar == "'" { word += "'\\''" } else { word.unicodeScalars.append(scalar) }
        }
        return word + "'"
    }

    private static func isUnfit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: scalar == "`"
        }
    }

    /// Whether no shell gives the character a meaning, wherever it is.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "@", ".", "/", ":", ",", "+", "-": true
        default: false
        }
    }

    /// Commands such as `nft` read their arguments as a language of their own, so an address may contain only these characters.
    private static func isAddress(_ value: String) -> Bool {
        value.unicodeScalars.allSatisfy { isPlain($0) && $0 != "/" && $0 != "," && $0 != "@" && $0 != "+" }
    }

    /// A text in Markdown with the values filled into its code.
    func filled(_ text: String) -> String {
        var lines: [String] = []
        var isBlock = false
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.starts(with: "```".utf8) {
                isBlock.toggle()
                lines.append(String(decoding: line, as: UTF8.self))
                continue
            }
            var filled: [UInt8] = []
            // Every other piece between backticks is code.
            for (index, piece) in line.split(separator: UInt8(ascii: "`"), omittingEmptySubsequences: false).enumerated() {
                if index > 0 { filled.append(UInt8(ascii: "`")) }
                filled += isBlock || index % 2 == 1 ? code(Array(piece)) : Array(piece)
            }
            lines.append(String(decoding: filled, as: UTF8.self))
        }
        return lines.joined(separator: "\n")
    }

    /// In one pass, so that a value is not searched for names again.
    private func code(_ bytes: [UInt8]) -> [UInt8] {
        var filled: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "{"), let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")),
                let word = words[String(decoding: bytes[(index + 1)..<end], as: UTF8.self)]
            {
                filled += Array(word.utf8)
                index = end + 1
            } else {
                filled.append(bytes[index])
                index += 1
            }
        }
        return filled
    }
}

extension Runbook {
    /// The same page with the values of one incident in its commands.
    public func filled(for view: IncidentView) -> Runbook { Runbook(text: view.filling.filled(text)) }
}
