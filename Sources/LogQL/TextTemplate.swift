import Columns

/// A text with fields in it: `{{.user}} from {{.source}}`.
///
/// Of Go's templates that Loki takes, fields are there and functions are not: they are refused by name.
package struct TextTemplate: Sendable {
    private enum Part: Sendable {
        case text(String)
        case field(OutsideText)
        /// The line itself.
        case line
        /// The time of the line, in RFC 3339.
        case time
    }

    private let parts: [Part]

    init(_ template: String, at place: Int) throws(LogQLError) {
        var parts: [Part] = []
        var rest = template[...]
        while let open = rest.utf8.firstRange(of: "{{".utf8) {
            parts.append(.text(String(rest[..<open.lowerBound])))
            guard let close = rest[open.upperBound...].utf8.firstRange(of: "}}".utf8) else {
                throw .malformed("the template has '{{' without '}}'", at: place)
            }
            parts.append(try Self.action(OutsideText(rest[open.upperBound..<close.lowerBound]).trimmed, at: place))
            rest = rest[close.upperBound...]
        }
        parts.append(.text(String(rest)))
        self.parts = parts
    }

    private static func action(_ text: String, at place: Int) throws(LogQLError) -> Part {
        let bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: "."), bytes.count > 1, bytes.dropFirst().allSatisfy({ $0.isWordByte || $0.isDigit }) {
            return .field(OutsideText(String(text.unicodeScalars.dropFirst())))
        }
        switch text {
        case "__line__": return .line
        case "__timestamp__": return .time
        default: throw .notSupported("'{{\(OutsideText(text).prefix(100))}}' in a template")
        }
    }

    /// The text for a line. A field that it does not have is the empty text.
    func text<Record: LogRecord>(of line: inout QueriedLine<Record>) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let fixed): text += fixed
            case .field(let name): text += line.value(of: name) ?? ""
            case .line: text += line.text
            case .time: text += line.record.time.description
            }
        }
        return text
    }
}
