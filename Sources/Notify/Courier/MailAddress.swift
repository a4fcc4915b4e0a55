import Foundation

/// An address in a header of a mail, with its display name.
struct MailAddress: Sendable, Equatable {
    var address: String
    /// Without quotes and the escapes within them.
    var name: String?

    var domain: String {
        address.utf8.lastIndex(of: UInt8(ascii: "@")).map { String(address[address.utf8.index(after: $0)...]) } ?? "localhost"
    }

    /// The addresses in `"Ann, B." <ann@example.org>, bob@example.org`.
    ///
    /// - Throws: ``NotifierError/badValue(_:)`` for one that a server would not accept.
    ///
    /// Source: RFC 5322 §3.4, without comments and groups.
    static func list(_ text: String) throws(NotifierError) -> [MailAddress] {
        var found: [MailAddress] = []
        for entry in entries(text) {
            guard let address = parse(entry) else {
                throw .badValue("'\(Redaction.clean(string(entry), [], limit: 200))' in email_configs is not a mail address")
            }
            if let address { found.append(address) }
        }
        return found
    }

    private typealias Scalars = ArraySlice<Unicode.Scalar>

    /// The entries between commas that are not within quotes.
    private static func entries(_ text: String) -> [Scalars] {
        let scalars = Array(text.unicodeScalars)
        var entries: [Scalars] = []
        var start = 0
        var isQuoted = false
        var index = 0
        while index < scalars.count {
            switch scalars[index] {
            case "\\" where isQuoted: index += 1
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                entries.append(scalars[start..<index])
                start = index + 1
            default: break
            }
            index += 1
        }
        entries.append(scalars[start...])
        return entries
    }

    /// Nil when it is not an address; an address of nil when it is empty.
    private static func parse(_ entry: Scalars) -> MailAddress?? {
        guard !entry.contains(where: { $0 == "\r" || $0 == "\n" || $0 == "\0" }) else { return nil }
        let entry = trimmed(entry)
        guard !entry.isEmpty else { return .some(nil) }
        var address = entry
        var name: String?
        if entry.last == ">", let start = entry.lastIndex(where: { $0 == "<" }) {
            address = entry[(start + 1)...].dropLast()
            guard let shown = phrase(trimmed(entry[..<start])) else { return nil }
            name = shown.isEmpty ? nil : shown
        }
        let scalars = address
        let parts = scalars.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
            address.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && !"<>,;:\"\\()".unicodeScalars.contains($0) })
        else { return nil }
        return MailAddress(address: string(address), name: name)
    }

    /// The display name without its quotes; nil when a quote is not closed.
    private static func phrase(_ text: Scalars) -> String? {
        var shown = String.UnicodeScalarView()
        var isQuoted = false
        var rest = text
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": isQuoted.toggle()
            case "\\" where isQuoted: if let escaped = rest.popFirst() { shown.append(escaped) }
            default: shown.append(scalar)
            }
        }
        return isQuoted ? nil : String(shown)
    }

    private static func trimmed(_ text: Scalars) -> Scalars {
        var text = text
        while text.first?.properties.isWhitespace == true { text.removeFirst() }
        while text.last?.properties.isWhitespace == true { text.removeLast() }
        return text
    }

    private static func string(_ scalars: Scalars) -> String { String(String.UnicodeScalarView(scalars)) }
}
