/// A page of Markdown as markup: headings, paragraphs, lists, blocks of code, and in a line `code`, **strong** and links. That is
/// what runbooks use; everything else is shown as it is written.
struct MarkdownPage {
    private(set) var html: HTML = ""
    private var paragraph: [Substring] = []
    private var isList = false

    /// - Parameter level: the level that `#` becomes: 1 for a page of its own, 3 inside of another page.
    init(_ text: String, level: Int = 1) {
        var code: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                endParagraph()
                if let lines = code { html += "<pre>\(lines.joined(separator: "\n"))</pre>\n" }
                code = code == nil ? [] : nil
            } else if code != nil {
                code?.append(line)
            } else if line.hasPrefix("#") {
                endParagraph()
                let depth = line.prefix { $0 == "#" }.count, tag = HTML(stringLiteral: "h\(min(6, depth + level - 1))")
                html += "<\(tag)>\(Self.inline(line.drop { $0 == "#" }.drop { $0 == " " }))</\(tag)>\n"
            } else if line.hasPrefix("- ") {
                endParagraph(keepsList: true)
                if !isList { html += "<ul>\n" }
                isList = true
                paragraph = [line.dropFirst(2)]
            } else if line.allSatisfy({ $0 == " " }) {
                endParagraph(keepsList: true)
            } else {
                if paragraph.isEmpty { endList() }
                paragraph.append(line)
            }
        }
        endParagraph()
    }

    private mutating func endParagraph(keepsList: Bool = false) {
        if !paragraph.isEmpty {
            let text = Self.inline(paragraph.joined(separator: " ")[...])
            html += isList ? "<li>\(text)</li>\n" : "<p>\(text)</p>\n"
        }
        paragraph = []
        if !keepsList { endList() }
    }

    private mutating func endList() {
        if isList { html += "</ul>\n" }
        isList = false
    }

    private static func inline(_ text: Substring) -> HTML {
        var html: HTML = "", rest = text
        while let character = rest.first {
            if character == "`", let end = rest.dropFirst().firstIndex(of: "`") {
                html += "<code>\(String(rest[rest.index(after: rest.startIndex)..<end]))</code>"
                rest = rest[rest.index(after: end)...]
            } else if let match = rest.prefixMatch(of: /\*\*([^*]+)\*\*/) {
                html += "<strong>\(inline(match.1))</strong>"
                rest = rest[match.range.upperBound...]
            } else if let match = rest.prefixMatch(of: /\[([^\]]+)\]\((https?:\/\/[^)\s]+|[\w.\/#-]+)\)/) {
                html += "<a href=\"\(String(match.2))\">\(inline(match.1))</a>"
                rest = rest[match.range.upperBound...]
            } else {
                html += "\(String(character))"
                rest = rest.dropFirst()
            }
        }
        return html
    }
}
