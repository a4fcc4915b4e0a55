/// The unit in which a service limits the length of a text.
enum TextUnit {
    /// Unicode scalars, which Alertmanager calls runes.
    case scalars
    /// Units of UTF-16, as Telegram and Discord count.
    case utf16
    /// Bytes of UTF-8.
    case bytes
    /// Bytes of UTF-8 with what JSON escapes, as ``HTTPRequest/encode(_:)`` writes it.
    case jsonBytes

    func size(of scalar: Unicode.Scalar) -> Int {
        switch self {
        case .scalars: 1
        case .utf16: UTF16.width(scalar)
        case .bytes: UTF8.width(scalar)
        case .jsonBytes:
            switch scalar {
            case "\"", "\\", "\n", "\r", "\t": 2
            case "\u{0}"..."\u{1F}", "\u{7F}": 6
            default: UTF8.width(scalar)
            }
        }
    }

    func size(of text: some Sequence<Unicode.Scalar>) -> Int { text.reduce(0) { $0 + size(of: $1) } }
}

/// Texts cut to the length that a service accepts, with an ellipsis where something is missing.
extension String {
    /// At most `limit` units: cut between two scalars, never within a link, tag or escape of its markup, and what is open there
    /// is closed after the ellipsis. It measures the text as given, so values must be escaped before.
    func cut(to limit: Int, _ unit: TextUnit, as markup: Markup = .none) -> String {
        // Fast path: no scalar has more than six units for each byte of UTF-8.
        guard utf8.count > limit / 6, unit.size(of: unicodeScalars) > limit else { return self }
        let ellipsis = unit.size(of: CollectionOfOne("…"))
        guard ellipsis <= limit else { return "" }
        // Every scalar has at least one unit, so what lies beyond `limit` scalars is never kept.
        let scalars = Array(unicodeScalars.prefix(limit + 1))
        var scanner = MarkupScanner(markup, scalars)
        var used = ellipsis
        var kept = 0
        var closing: [[Unicode.Scalar]] = []
        while let end = scanner.next() {
            used += unit.size(of: scalars[kept..<end])
            guard used + scanner.open.reduce(0, { $0 + unit.size(of: $1) }) <= limit else { break }
            (kept, closing) = (end, scanner.open)
        }
        var text = UnicodeScalarView(scalars[..<kept])
        text.append("…")
        for closer in closing.reversed() { text.append(contentsOf: closer) }
        return String(text)
    }

    /// At most `limit` Unicode scalars, as Alertmanager counts ("runes").
    func truncated(toScalars limit: Int) -> String { cut(to: limit, .scalars) }

    /// At most `limit` bytes of UTF-8; no scalar is cut in two.
    func truncated(toBytes limit: Int) -> String { cut(to: limit, .bytes) }

    /// HTML of at most `limit` scalars: cut neither within a tag nor within a `&…;`, and with the tags closed that were open
    /// there.
    func truncatedHTML(toScalars limit: Int) -> String { cut(to: limit, .scalars, as: .html) }
}
