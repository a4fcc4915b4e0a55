import Columns

/// What sshd writes of a key behind `ssh2: `. Of a certificate it writes the name, which whoever asked for the certificate
/// chose, so that only its ends can be relied on.
///
///     ED25519 SHA256:9Zx…
///     RSA 0e:ff:21:…
///     ED25519-CERT SHA256:9Zx… ID NAME (serial 7) CA ED25519 SHA256:8Yw…
///     RSA SHA256:9Zx…, client user "NAME", client host "NAME"
///
/// Source: `auth2_record_key`, `auth2_record_info` and `format_method_key` of OpenSSH.
enum KeyText {
    private static let maxWordLength = 192

    /// Whether all of `text` is such a text. It looks at both ends and at nothing between, whatever the length.
    static func isWhole(_ text: Span<UInt8>) -> Bool {
        guard let type = word(text, from: 0), isType(text.extracting(type)), type.upperBound < text.count else { return false }
        var at = type.upperBound + 1
        if let print = word(text, from: at), !text.extracting(print).isEqual(to: "ID") {
            var end = print.upperBound
            if text[end - 1] == UInt8(ascii: ",") { end -= 1 }
            guard isFingerprint(text.extracting(print.lowerBound..<end)) else { return false }
            if end < print.upperBound { return isHostOfClient(text, from: print.upperBound) }
            if print.upperBound == text.count { return true }
            at = print.upperBound + 1
        }
        guard text.extracting(at..<text.count).starts(with: "ID ") else { return false }
        return text[text.count - 1] == UInt8(ascii: "\"") || endsWithAuthority(text)
    }

    private static func isHostOfClient(_ text: Span<UInt8>, from start: Int) -> Bool {
        text.extracting(start..<text.count).starts(with: " client user \"") && text[text.count - 1] == UInt8(ascii: "\"")
    }

    /// ` (serial 7) CA ED25519 SHA256:…` at the end.
    private static func endsWithAuthority(_ text: Span<UInt8>) -> Bool {
        guard let print = lastWord(text, before: text.count), isFingerprint(text.extracting(print)),
            let type = lastWord(text, before: print.lowerBound - 1), isType(text.extracting(type)),
            let mark = lastWord(text, before: type.lowerBound - 1), text.extracting(mark).isEqual(to: "CA")
        else { return false }
        var at = mark.lowerBound - 2
        guard at > 0, text[at] == UInt8(ascii: ")") else { return false }
        at -= 1
        while at > 0, text[at].isDigit { at -= 1 }
        return text.extracting(0..<(at + 1)).ends(with: "(serial ")
    }

    private static func word(_ text: Span<UInt8>, from start: Int) -> Range<Int>? {
        var end = start
        while end < text.count, text[end] != UInt8(ascii: " "), end - start <= maxWordLength { end += 1 }
        return end > start && end - start <= maxWordLength ? start..<end : nil
    }

    private static func lastWord(_ text: Span<UInt8>, before end: Int) -> Range<Int>? {
        guard end > 0, end <= text.count else { return nil }
        var start = end
        while start > 0, text[start - 1] != UInt8(ascii: " "), end - start <= maxWordLength { start -= 1 }
        return start < end && end - start <= maxWordLength && start > 0 ? start..<end : nil
    }

    private static func isType(_ word: Span<UInt8>) -> Bool {
        for index in word.indices {
            let byte = word[index]
            guard
                byte.isDigit || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: "-")
            else { return false }
        }
        return true
    }

    /// `SHA256:…`, `MD5:…` or, of old, pairs of digits with colons between.
    private static func isFingerprint(_ word: Span<UInt8>) -> Bool {
        guard word.count > 3, let colon = word.firstIndex(of: UInt8(ascii: ":")) else { return false }
        if colon == 2 { return word.count > 5 && word[5] == UInt8(ascii: ":") }
        guard (3...6).contains(colon), colon + 1 < word.count else { return false }
        let isSHA = word[0] | 0x20 == UInt8(ascii: "s") && word[1] | 0x20 == UInt8(ascii: "h")
        let isMD5 = word[0] | 0x20 == UInt8(ascii: "m") && word[1] | 0x20 == UInt8(ascii: "d")
        return isSHA || isMD5
    }
}
