import Columns

/// The words for levels that programs write, and the six that obs has: trace, debug, info, warning, error, critical.
enum LogLevel {
    static let names = Log4jHeader.levelNames.map { Array($0.utf8) }

    private static let words: [(StaticString, Int)] =
        Log4jHeader.levels.map { ($0.word, $0.code) } + [
            ("ERR", 4), ("CRIT", 5), ("ALERT", 5), ("EMERG", 5), ("EMERGENCY", 5), ("PANIC", 5), ("DPANIC", 5), ("ASSERT", 5),
            ("VERBOSE", 0), ("INFORMATION", 2), ("INFORMATIONAL", 2), ("AUDIT", 2), ("ALL", 2), ("LOG", 2), ("DBG", 1),
            ("INF", 2),
            ("WRN", 3), ("TRC", 0), ("FTL", 5), ("V", 0), ("D", 1), ("I", 2), ("W", 3), ("E", 4), ("F", 5), ("A", 5), ("S", 5),
        ]

    /// The place of a word in ``names``, in capitals or not; nil for any other word. `trace1` to `trace8` of Apache are
    /// trace.
    static func code(of word: Span<UInt8>) -> Int? {
        var end = word.count
        guard (1...13).contains(end) else { return nil }
        if end == 6, word[5].isDigit { end = 5 }
        for (name, code) in words where name.utf8CodeUnitCount == end {
            var isEqual = true
            // Safe because the literal is as long as the loop goes.
            for index in 0..<end where word[index] & 0xDF != name.utf8Start[index] { isEqual = false }
            if isEqual { return code }
        }
        return nil
    }
}
