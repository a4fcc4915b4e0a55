/// What two tokens at the same place say about that place.
enum TokenRules {
    /// The two may be values of one parameter without further evidence: one is masked where the other is a word, they
    /// are units of size, or one is an empty value such as `null`.
    static func areAlike(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Bool {
        let fixedA = fixedPrefix(a), fixedB = fixedPrefix(b)
        if isNullBesideMask(a, b, eitherMasked: fixedA != nil || fixedB != nil) { return true }
        switch (fixedA, fixedB) {
        case (let first?, let second?): return first.isEmpty || second.isEmpty || first.elementsEqual(second)
        case (let first?, nil): return b.starts(with: first)
        case (nil, let second?): return a.starts(with: second)
        case (nil, nil): return isUnit(a) && isUnit(b)
        }
    }

    /// The bytes before the first `<*>`, or nil if there is none.
    private static func fixedPrefix(_ token: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var index = token.startIndex
        while index + 2 < token.endIndex {
            if isMask(token, index) { return token[token.startIndex..<index] }
            index += 1
        }
        return nil
    }

    private static func isMask(_ token: ArraySlice<UInt8>, _ index: Int) -> Bool {
        index + 2 < token.endIndex && token[index] == UInt8(ascii: "<") && token[index + 1] == UInt8(ascii: "*")
            && token[index + 2] == UInt8(ascii: ">")
    }

    /// `key=null` beside `key=<*>`.
    private static func isNullBesideMask(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>, eitherMasked: Bool) -> Bool {
        guard eitherMasked, let atA = a.firstIndex(of: UInt8(ascii: "=")), let atB = b.firstIndex(of: UInt8(ascii: "=")),
            a[..<atA].elementsEqual(b[..<atB])
        else { return false }
        return isNull(a[(atA + 1)...]) || isNull(b[(atB + 1)...])
    }

    private static func isNull(_ value: ArraySlice<UInt8>) -> Bool {
        let names = ["null", "NULL", "nil", "none", "None", "(null"]
        let core = trimmed(value, ",;)")
        return names.contains { core.elementsEqual($0.utf8) }
    }

    static func isUnit(_ token: ArraySlice<UInt8>) -> Bool {
        let core = trimmed(token, ",.)")
        return ["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB"].contains { core.elementsEqual($0.utf8) }
    }

    private static func trimmed(_ token: ArraySlice<UInt8>, _ ends: String) -> ArraySlice<UInt8> {
        var core = token
        while let last = core.last, ends.utf8.contains(last) { core.removeLast() }
        return core
    }

    /// A name in three parts or more: `com.example.App`. Only such a name may vary as the first token of a message.
    static func isDottedName(_ token: ArraySlice<UInt8>) -> Bool {
        guard let first = token.first, first | 0x20 >= UInt8(ascii: "a"), first | 0x20 <= UInt8(ascii: "z") else { return false }
        return trimmed(token, ".,:").count { $0 == UInt8(ascii: ".") } >= 2
    }

    static func hasLetterOutsideMask(_ token: ArraySlice<UInt8>) -> Bool {
        token.contains { byte in byte >= 0x80 || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")) }
    }

    /// One token that both fit: what they share up to the last opening and from the first closing delimiter stays.
    static func generalise(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> [UInt8] {
        guard a.count <= TemplatePattern.longestComparedToken, b.count <= TemplatePattern.longestComparedToken else {
            return Mask.bytes
        }
        var prefix = zip(a, b).prefix { $0 == $1 }.count
        while prefix > 0 && !"=:([{\"'".utf8.contains(a[a.startIndex + prefix - 1]) { prefix -= 1 }
        let restA = a.dropFirst(prefix), restB = b.dropFirst(prefix)
        var suffix = restA.suffix(zip(restA.reversed(), restB.reversed()).prefix { $0 == $1 }.count)
        while let first = suffix.first, !",;:)]}\"'.".utf8.contains(first) { suffix.removeFirst() }
        return a.prefix(prefix) + Mask.bytes + suffix
    }

    /// Whether `token` fits `pattern`, in which each `<*>` stands for any bytes.
    ///
    /// The greedy match that remembers only the last star: O(pattern × token) at worst, both at most 256 bytes.
    static func glob(_ pattern: ArraySlice<UInt8>, _ token: ArraySlice<UInt8>) -> Bool {
        guard pattern.count <= TemplatePattern.longestComparedToken, token.count <= TemplatePattern.longestComparedToken else {
            return false
        }
        var p = pattern.startIndex, t = token.startIndex
        var star = -1, resume = 0
        while t < token.endIndex {
            if isMask(pattern, p) {
                star = p + 3
                resume = t
                p = star
            } else if p < pattern.endIndex && pattern[p] == token[t] {
                p += 1
                t += 1
            } else if star >= 0 {
                resume += 1
                p = star
                t = resume
            } else {
                return false
            }
        }
        while isMask(pattern, p) { p += 3 }
        return p == pattern.endIndex
    }
}
