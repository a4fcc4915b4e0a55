import Detection

/// A section on a page.
extension HTML {
    init(_ section: Section) {
        let body = section.blocks.map(Self.block)
        self = section.blocks.isEmpty ? "" : "<h2>\(section.title)</h2>\n\(body)"
    }

    private static func block(_ block: Block) -> HTML {
        switch block {
        case .records(let columns, let rows):
            return list(rows.map { record(columns, $0) })
        case .timeline(let moments):
            return list(moments.reversed().map { "<time>\(Shown.time($0.time))</time> \($0.actor): \($0.text)" })
        case .lines(let lines, let marking):
            let shown = lines.map { line -> HTML in
                "<span title=\"\(line.file):\(line.offset)\">\(HTML.marking(marking, in: line.text))</span>\n"
            }
            return "<pre class=\"lines\">\(shown)</pre>\n"
        case .excerpt(let file, let lines, let marking):
            let shown = lines.map { line, isMarked -> HTML in
                isMarked
                    ? "<b>\(HTML.marking(marking, in: line.text))</b>\n" : "<span class=\"dim\">\(line.text)</span>\n"
            }
            return "<p>\(file)</p>\n<pre class=\"lines\">\(shown)</pre>\n"
        case .paragraph(let cells): return "<p>\(cells.map(cell))</p>\n"
        case .markdown(let text): return MarkdownPage(text, level: 3).html
        case .link(let text, let address): return "<p><a href=\"\(address)\">\(text)</a></p>\n"
        }
    }

    private static func list(_ items: [HTML]) -> HTML { "<ul>\n\(items.map { "<li>\($0)</li>\n" as HTML })</ul>\n" }

    private static func record(_ columns: [RecordColumn], _ row: [Cell]) -> HTML {
        zip(columns, row).enumerated().reduce("") { html, item in
            let (column, value) = item.element
            let before = item.offset == 0 ? "" : column.before == "  " ? " " : column.before
            return html + "\(before)\(cell(value))\(column.after)"
        }
    }

    private static func cell(_ cell: Cell) -> HTML {
        switch cell {
        case .text(let text): "\(text)"
        case .code(let text): "<code>\(text)</code>"
        case .incident(let id): "<a href=\"\(id)\">\(id)</a>"
        case .severity(let severity): "<b class=\"\(severity.rawValue)\">\(severity.rawValue)</b>"
        case .time(let time): "<time>\(Shown.time(time))</time>"
        }
    }
}
