/// Finds the session or job that a message belongs to: an id behind one of a few words.
///
///     Finished task 3.0 in stage 0.0 (TID 3)                              `TID ` and digits
///     attempt_1445144423722_0020_m_000000_0 TaskAttempt Transitioned …    `attempt_` and digits, letters, `_`
///     Received block blk_-1608999687919862906 of size …                   `blk_` and the same with `-`
///
/// Source: Xu, Huang, Fox, Patterson, Jordan: Detecting Large-Scale System Problems by Mining Console Logs, SOSP 2009, §4
/// (traces by identifier).
struct SessionKeys: Sendable {
    /// Bytes behind the word that are read at most.
    private static let longest = 64
    /// Bytes of a message that are searched.
    private static let searched = 2048

    private let words: [[UInt8]]

    init(_ words: [String]) { self.words = words.map { Array($0.utf8) } }

    /// The first of the words that the message has with an id behind it, and the bytes of both; nil if there is none.
    func key(in message: Span<UInt8>) -> (word: Int, range: Range<Int>)? {
        for word in words.indices {
            if let range = find(words[word], in: message) { return (word, range) }
        }
        return nil
    }

    private func find(_ word: [UInt8], in message: Span<UInt8>) -> Range<Int>? {
        let count = min(message.count, Self.searched), first = word[0]
        guard count > word.count else { return nil }
        for start in 0..<(count - word.count) where message[start] == first {
            guard Self.begins(message, word, at: start) else { continue }
            var end = start + word.count, hasDigit = false
            let limit = min(message.count, end + Self.longest)
            while end < limit, Self.isKeyByte(message[end]) {
                hasDigit = hasDigit || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(message[end])
                end += 1
            }
            if hasDigit { return start..<end }
        }
        return nil
    }

    private static func begins(_ message: Span<UInt8>, _ word: [UInt8], at start: Int) -> Bool {
        // `subtask_1` has no `task_`.
        if start > 0, isLetter(message[start - 1]), isLetter(word[0]) { return false }
        for i in word.indices where message[start + i] != word[i] { return false }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }
}
