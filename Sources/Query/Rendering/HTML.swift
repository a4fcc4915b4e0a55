import Columns
import Foundation

/// Markup that is safe to send: what is put into a text of this type by `\(…)` is escaped, unless it is such markup itself.
///
///     let row: HTML = "<li>\(incident.title)</li>"
public struct HTML: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
    public private(set) var description: String

    public init(stringLiteral markup: String) { description = markup }

    public init(stringInterpolation: StringInterpolation) { description = stringInterpolation.markup }

    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        public init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(literalCapacity) }
        public mutating func appendLiteral(_ literal: String) { markup += literal }
        public mutating func appendInterpolation(_ markup: HTML) { self.markup += markup.description }
        public mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { markup += part.description } }
        public mutating func appendInterpolation(_ text: String) { markup += HTML.escape(text) }
        public mutating func appendInterpolation(_ number: some BinaryInteger) { markup += "\(number)" }
    }

    public static func + (first: HTML, second: HTML) -> HTML { HTML(stringLiteral: first.description + second.description) }

    public static func += (markup: inout HTML, more: HTML) { markup.description += more.description }

    /// A text as it is to be read, in an element or in an attribute between double quotes; control characters are shown as `�`.
    static func escape(_ text: String) -> String { OutsideText(text).html }

    /// A text with each of `words` in it set off.
    static func marking(_ words: [String], in text: String) -> HTML {
        HTML(stringLiteral: text.marking(words, before: "<mark>", after: "</mark>", escaping: escape))
    }

    /// An answer as a table; numbers stand right.
    ///
    /// - Parameter links: makes a link of a cell, by its column and text; nil makes none.
    public init(_ answer: Answer, links: (_ column: String, _ text: String) -> String? = { _, _ in nil }) {
        func attribute(_ field: Field) -> HTML { field.type.isNumeric || field.name.hasSuffix("_seconds") ? " class=\"n\"" : "" }
        let fields = answer.schema.fields
        let head = fields.map { "<th\(attribute($0))>\(TerminalTable.title($0).lowercased())</th>" as HTML }
        let rows = answer.rows.map { row -> HTML in
            let cells = zip(fields, row).map { field, value -> HTML in
                let text = TerminalTable.show(value, in: field)
                let shown: HTML = links(field.name, text).map { "<a href=\"\($0)\">\(text)</a>" } ?? "\(text)"
                return "<td\(attribute(field))>\(shown)</td>"
            }
            return "<tr>\(cells)</tr>\n"
        }
        self = "<div class=\"wide\"><table><thead><tr>\(head)</tr></thead><tbody>\n\(rows)</tbody></table></div>\n"
    }
}
