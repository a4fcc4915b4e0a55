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
        var open: [Substring] = []
        var kept = startIndex
        var keptOpen: [Substring] = []
        var count = 0
        var index = startIndex
        while index < endIndex {
            let piece: Substring
            if self[index] == "<", let end = self[index...].firstIndex(of: ">") {
                piece = self[index...end]
                let name = piece.dropFirst().drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }
                if piece.hasPrefix("</") {
                    if open.last == name { open.removeLast() }
                } else if !piece.hasSuffix("/>") {
                    open.append(name)
                }
            } else if self[index] == "&", let end = self[index...].prefix(10).firstIndex(of: ";") {
                piece = self[index...end]
            } else {
                piece = self[index...index]
            }
            count += piece.unicodeScalars.count
            let closing = open.reduce(0) { $0 + $1.unicodeScalars.count + 3 }
            if count + closing + 1 > limit { break }
            index = piece.endIndex
            kept = index
            keptOpen = open
        }
        return self[..<kept] + "…" + keptOpen.reversed().map { "</\($0)>" }.joined()
    }
}
