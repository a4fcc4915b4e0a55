/// Texts cut to what a service takes, with an ellipsis where something is missing.
extension String {
    /// At most `limit` Unicode scalars, as Alertmanager counts ("runes").
    func truncated(toScalars limit: Int) -> String {
        // Fast path: no text has more scalars than bytes.
        guard utf8.count > limit, unicodeScalars.count > limit else { return self }
        return String(unicodeScalars.prefix(max(0, limit - 1))) + (limit > 0 ? "…" : "")
    }

    /// At most `limit` bytes of UTF-8; no scalar is cut in two.
    func truncated(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var size = 0
        var cut = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            size += UTF8.width(scalar)
            guard size <= limit - 3 else { break }
            cut.append(scalar)
        }
        return String(cut) + (limit >= 3 ? "…" : "")
    }

    /// HTML of at most `limit` scalars: cut neither within a tag nor within a `&…;`, and with the tags closed that were open there.
    func truncatedHTML(toScalars limit: Int) -> String {
        guard utf8.count > limit, unicodeScalars.count > limit else { return self }
        let scalars = unicodeScalars
        var open: [Substring.UnicodeScalarView] = []
        var kept = startIndex
        var keptOpen: [Substring.UnicodeScalarView] = []
        var count = 0
        var index = startIndex
        while index < endIndex {
            let rest = scalars[index...]
            let piece: Substring.UnicodeScalarView
            if rest.first == "<", let end = scalars[index...].firstIndex(of: ">") {
                piece = rest[...end]
                let name = piece.dropFirst().drop { $0 == "/" }.prefix { $0.properties.isAlphabetic || ("0"..."9").contains($0) }
                if piece.dropFirst().first == "/" {
                    if let last = open.last, last.elementsEqual(name) { open.removeLast() }
                } else if piece.dropLast().last != "/" {
                    open.append(name)
                }
            } else if rest.first == "&", let end = scalars[index...].prefix(10).firstIndex(of: ";") {
                piece = rest[...end]
            } else {
                piece = rest.prefix(1)
            }
            count += piece.count
            let closing = open.reduce(0) { $0 + $1.count + 3 }
            if count + closing + 1 > limit { break }
            index = piece.endIndex
            kept = index
            keptOpen = open
        }
        return self[..<kept] + "…" + keptOpen.reversed().map { "</\(String($0))>" }.joined()
    }
}
