import Columns
import Foundation

/// Markup that is safe to send: a text that is interpolated by `\(…)` is escaped, unless it is markup itself.
///
///     let row: HTML = "<li>\(incident.title)</li>"
public struct HTML: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
    /// The markup.
    public private(set) var description: String

    /// Markup as it is; only for literals in the source.
    public init(stringLiteral markup: String) { description = markup }

    /// Markup with escaped texts.
    public init(stringInterpolation: StringInterpolation) { description = stringInterpolation.markup }

    /// Escapes what is interpolated.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        /// Nothing yet.
        public init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(literalCapacity) }
        /// Markup as it is.
        public mutating func appendLiteral(_ literal: String) { markup += literal }
        /// Markup as it is.
        public mutating func appendInterpolation(_ markup: HTML) { self.markup += markup.description }
        /// Markup, one after the other.
        public mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { markup += part.description } }
        /// A text, escaped for elements and for attributes in double quotes.
        public mutating func appendInterpolation(_ text: String) { markup += HTML.escape(text) }
        /// A number in digits.
        public mutating func appendInterpolation(_ number: some BinaryInteger) { markup += "\(number)" }
    }

    /// One markup followed by another.
    public static func + (first: HTML, second: HTML) -> HTML { HTML(stringLiteral: first.description + second.description) }

    /// Appends markup.
    public static func += (markup: inout HTML, more: HTML) { markup.description += more.description }

    /// A text escaped for an element, or for an attribute in double quotes; control characters become `�`.
    static func escape(_ text: String) -> String { OutsideText(text).html }

    /// A text in which each of `words` is marked.
    static func marking(_ words: [String], in text: String) -> HTML {
        HTML(stringLiteral: text.marking(words, before: "<mark>", after: "</mark>", escaping: escape))
    }

    /// An answer as a table; numbers are aligned right.
    ///
    /// - Parameter links: the address that a cell links to, by its column and text; nil for none.
    public init(_ answer: Answer, links: (_ column: String, _ text: String) -> String? = { _, _ in nil }) {
        func attribute(_ field: Field) -> HTML { field.type.isNumeric || field.isDuration ? " class=\"n\"" : "" }
        let table = TextTable(answer)
        let head = table.columns.map { "<th\(attribute($0.field))>\($0.heading.lowercased())</th>" as HTML }
        let rows = table.cells.map { row -> HTML in
            let cells = zip(table.columns, row).map { column, text -> HTML in
                let shown: HTML = links(column.field.name, text).map { "<a href=\"\($0)\">\(text)</a>" } ?? "\(text)"
                return "<td\(attribute(column.field))>\(shown)</td>"
            }
            return "<tr>\(cells)</tr>\n"
        }
        self = "<div class=\"wide\"><table><thead><tr>\(head)</tr></thead><tbody>\n\(rows)</tbody></table></div>\n"
    }
}
