/// How a text is marked up, and so where it must not be cut.
enum Markup {
    case none
    /// Tags and `&…;`.
    case html
    /// Slack's `<url|text>`, and `&…;`. Source: Slack, "Formatting text for app surfaces".
    case slack
    /// Links, bold and code as Discord, Teams and Webex read them; `\` escapes the next scalar.
    case markdown
    /// Source: Telegram Bot API, "Markdown style".
    case telegramMarkdown
    /// Source: Telegram Bot API, "MarkdownV2 style".
    case telegramMarkdownV2

    /// What opens and closes a span of text, the longer ones first.
    fileprivate var markers: [[Unicode.Scalar]] {
        switch self {
        case .none, .html, .slack: []
        case .markdown: [Array("```".unicodeScalars), ["`"], ["*", "*"]]
        case .telegramMarkdown: [Array("```".unicodeScalars), ["`"], ["*"], ["_"]]
        case .telegramMarkdownV2: [Array("```".unicodeScalars), ["`"], ["|", "|"], ["_", "_"], ["*"], ["_"], ["~"]]
        }
    }

    fileprivate var hasLinks: Bool { !markers.isEmpty }
}

/// Walks over a text in pieces between which it may be cut, and tracks which spans are open after each.
struct MarkupScanner {
    /// What closes the spans that are open here, the outermost first.
    private(set) var open: [[Unicode.Scalar]] = []
    private let markup: Markup
    private let markers: [[Unicode.Scalar]]
    private let text: [Unicode.Scalar]
    private var index = 0

    /// - Parameter text: a text, or the beginning of one: it stops before an incomplete piece.
    init(_ markup: Markup, _ text: [Unicode.Scalar]) {
        self.markup = markup
        self.text = text
        markers = markup.markers
    }

    /// The end of the next piece; nil at the end, and before an incomplete piece.
    mutating func next() -> Int? {
        guard index < text.count, let end = pieceEnd() else { return nil }
        index = end
        return end
    }

    private mutating func pieceEnd() -> Int? {
        switch markup {
        case .none: index + 1
        case .html where text[index] == "<": tagEnd()
        case .slack where text[index] == "<": find(">", from: index).map { $0 + 1 }
        case .html, .slack: text[index] == "&" ? entityEnd() : index + 1
        case .markdown, .telegramMarkdown, .telegramMarkdownV2: markdownEnd()
        }
    }

    private func find(_ scalar: Unicode.Scalar, from start: Int) -> Int? { text[start...].firstIndex(of: scalar) }

    /// `&quot;`, or one scalar where none is meant.
    private func entityEnd() -> Int? {
        let end = text[index...].prefix(10).firstIndex { $0 == ";" }
        // At the end of the known part of the text an entity may continue.
        return end.map { $0 + 1 } ?? (text.count - index < 10 ? nil : index + 1)
    }

    /// Tags without content.
    private static let void: Set<String> = ["br", "hr", "img", "input", "link", "meta"]

    private mutating func tagEnd() -> Int? {
        guard let end = find(">", from: index) else { return nil }
        let inner = text[(index + 1)..<end]
        let isClosing = inner.first == "/"
        let name = inner.drop { $0 == "/" }.prefix { $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-" }
        let closer = Array("</".unicodeScalars) + name + [">"]
        if isClosing {
            if open.last == closer { open.removeLast() }
        } else if inner.last != "/", !name.isEmpty, !Self.void.contains(String(String.UnicodeScalarView(name)).lowercased()) {
            open.append(closer)
        }
        return end + 1
    }

    private mutating func markdownEnd() -> Int? {
        if text[index] == "\\" { return index + 2 <= text.count ? index + 2 : nil }
        let isInCode = open.last?.first == "`"
        if let marker = markers.first(where: { text[index...].starts(with: $0) }), !isInCode || open.last == marker {
            if open.last == marker { open.removeLast() } else { open.append(marker) }
            return index + marker.count
        }
        guard !isInCode, text[index] == "[" || text[index] == "!" && index + 1 < text.count && text[index + 1] == "[" else {
            return index + 1
        }
        return linkEnd(from: text[index] == "[" ? index : index + 1)
    }

    /// `[text](url)` is one piece. A bracket that does not begin a link is one scalar; Telegram's second style has none.
    private func linkEnd(from start: Int) -> Int? {
        func end(of closer: Unicode.Scalar, from start: Int) -> Int? {
            var place = start
            while place < text.count, text[place] != closer { place += text[place] == "\\" ? 2 : 1 }
            return place < text.count ? place : nil
        }
        guard let middle = end(of: "]", from: start + 1) else { return markup == .markdown ? index + 1 : nil }
        guard middle + 1 < text.count, text[middle + 1] == "(" else { return middle + 1 < text.count ? index + 1 : nil }
        return end(of: ")", from: middle + 2).map { $0 + 1 }
    }
}
