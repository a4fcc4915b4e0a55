import Columns

/// The part of a Java program's log line that stands before the message, in the layouts that Log4j, Logback, Spark, Hadoop and Spring Boot come with.
///
///     17/06/09 20:10:40 INFO executor.Executor: Finished task 0.0 in stage 2.0 (TID 2) in 1063 ms
///     2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created MRAppMaster
///     2026-11-21 10:00:00,123 [pool-1] ERROR com.example.Job - it failed
///     2026-11-21 10:00:00.123  WARN 4711 --- [main] c.e.Service   : slow
///
/// A line that does not begin with a time belongs to the event before it.
struct Log4jHeader {
    /// As obs names levels; Java's five and java.util.logging's.
    static let levels: [(word: StaticString, code: Int)] = [
        ("INFO", 2), ("WARN", 3), ("ERROR", 4), ("DEBUG", 1), ("TRACE", 0), ("FATAL", 5), ("WARNING", 3), ("SEVERE", 4),
        ("FINE", 1), ("FINER", 0), ("FINEST", 0), ("CONFIG", 1),
    ]
    static let levelNames = ["trace", "debug", "info", "warning", "error", "critical"]

    var stamp: SyslogHeader.Stamp
    var level: Int
    /// Ranges in the line; empty where there is none.
    var thread = 0..<0
    var logger = 0..<0
    var message: Int

    enum Failure: Error {
        /// The line does not begin with a time.
        case isContinuation
        case badTimestamp
        /// There is a time, and no level.
        case unreadable
    }

    static func read(_ line: Span<UInt8>) -> Result<Log4jHeader, Failure> {
        var at = 0
        let isBracketed = line.count > 0 && line[0] == UInt8(ascii: "[")
        if isBracketed { at = 1 }
        let stamp: SyslogHeader.Stamp
        if let found = SyslogTime.iso(line, at: at) {
            guard let value = found.value else { return .failure(.badTimestamp) }
            (stamp, at) = (value.stamp, value.end)
        } else if let found = shortDate(line, at: at) {
            guard let value = found.value else { return .failure(.badTimestamp) }
            (stamp, at) = (value, at + 17)
        } else {
            return .failure(.isContinuation)
        }
        if isBracketed, at < line.count, line[at] == UInt8(ascii: "]") { at += 1 }
        var header = Log4jHeader(stamp: stamp, level: -1, message: line.count)
        // The words before the message: a level, a thread in brackets, a process id, then the logger, which ends them.
        while at < line.count {
            while at < line.count, line[at] == UInt8(ascii: " ") || line[at] == UInt8(ascii: "\t") { at += 1 }
            guard at < line.count else { break }
            let end = line.wordEnd(from: at)
            if header.level < 0, let level = level(line.extracting(at..<end)) {
                header.level = level
                at = end
            } else if line[at] == UInt8(ascii: "["), header.thread.isEmpty {
                // Threads have names with blanks and brackets in them: it ends where a blank follows, or at the first bracket.
                var close = at + 1
                while close < line.count, line[close] != UInt8(ascii: "]") { close += 1 }
                guard close < line.count else { return .failure(.unreadable) }
                while close + 1 < line.count, line[close + 1] == UInt8(ascii: "]") { close += 1 }
                header.thread = (at + 1)..<close
                at = close + 1
            } else if line.extracting(at..<end).isEqual(to: "---") || line.integer(in: at..<end) != nil && header.level >= 0 {
                at = end
            } else {
                header.readLogger(line, at..<end)
                break
            }
        }
        return header.level < 0 ? .failure(.unreadable) : .success(header)
    }

    /// `logger: message`, `logger - message`, `logger : message`; a word that none of these follows begins the message.
    private mutating func readLogger(_ line: Span<UInt8>, _ word: Range<Int>) {
        message = word.lowerBound
        var end = word.upperBound
        var next = end
        if line[end - 1] == UInt8(ascii: ":"), word.count > 1 {
            end -= 1
        } else {
            while next < line.count, line[next] == UInt8(ascii: " ") { next += 1 }
            guard next < line.count, line[next] == UInt8(ascii: "-") || line[next] == UInt8(ascii: ":"),
                next + 1 == line.count || line[next + 1] == UInt8(ascii: " ")
            else { return }
            next += 1
        }
        logger = word.lowerBound..<end
        while next < line.count, line[next] == UInt8(ascii: " ") { next += 1 }
        message = next
    }

    /// A level, as a word or in brackets.
    private static func level(_ word: Span<UInt8>) -> Int? {
        var start = 0, end = word.count
        if end > 2, word[0] == UInt8(ascii: "["), word[end - 1] == UInt8(ascii: "]") { (start, end) = (1, end - 1) }
        guard (4...7).contains(end - start) else { return nil }
        for (name, code) in levels where word.extracting(start..<end).isEqual(to: name) { return code }
        return nil
    }

    /// `17/06/09 20:10:40`, as Spark's own layout has it.
    private static func shortDate(_ line: Span<UInt8>, at start: Int) -> SyslogTime.Attempt<SyslogHeader.Stamp>? {
        guard start + 17 <= line.count, line[start + 2] == UInt8(ascii: "/"), line[start + 5] == UInt8(ascii: "/"),
            line[start + 8] == UInt8(ascii: " "), let year = line.integer(in: start..<(start + 2)),
            let month = line.integer(in: (start + 3)..<(start + 5)), let day = line.integer(in: (start + 6)..<(start + 8))
        else { return nil }
        guard (1...12).contains(month), day >= 1, Int(day) <= SyslogTime.length(ofMonth: Int(month), year: 2000 + Int(year)),
            let second = SyslogTime.clock(line, at: start + 9)
        else { return .init(value: nil) }
        return .init(
            value: .local(year: 2000 + Int(year), month: Int(month), day: Int(day), second: second, microsecond: 0))
    }
}

/// What messages of pipelines tell of themselves: a stage, and how long something took.
enum StageFacts {
    /// The number behind the first `stage `, as `2.0` in `task 0.0 in stage 2.0 (TID 2)`.
    static func stage(_ message: Span<UInt8>) -> Range<Int>? {
        var at = 0
        while let found = message.firstIndex(of: UInt8(ascii: "t"), from: at) {
            at = found + 1
            // `tage `, before it an s in either case.
            guard found > 0, message[found - 1] | 0x20 == UInt8(ascii: "s"), found + 5 < message.count,
                message.extracting(found..<(found + 5)).isEqual(to: "tage ")
            else { continue }
            var end = found + 5
            while end < message.count, message[end].isDigit || message[end] == UInt8(ascii: ".") { end += 1 }
            while end > found + 5, message[end - 1] == UInt8(ascii: ".") { end -= 1 }
            if end > found + 5, end - found < 25 { return (found + 5)..<end }
        }
        return nil
    }

    /// Milliseconds, of `in 1063 ms`, `took 1.5 s`, `finished in 3 seconds`, `after 20ms`.
    static func duration(_ message: Span<UInt8>) -> Double? {
        var at = 0
        while at < message.count {
            let end = message.wordEnd(from: at)
            let word = message.extracting(at..<end)
            at = end + 1
            guard word.isEqual(to: "in") || word.isEqual(to: "took") || word.isEqual(to: "after"), at < message.count else {
                continue
            }
            var numberEnd = at
            while numberEnd < message.count, message[numberEnd].isDigit || message[numberEnd] == UInt8(ascii: ".") {
                numberEnd += 1
            }
            guard let number = Double(ascii: message.extracting(at..<numberEnd)) else { continue }
            var unit = numberEnd
            if unit < message.count, message[unit] == UInt8(ascii: " ") { unit += 1 }
            var unitEnd = unit
            while unitEnd < message.count, message[unitEnd] | 0x20 >= UInt8(ascii: "a"),
                message[unitEnd] | 0x20 <= UInt8(ascii: "z")
            {
                unitEnd += 1
            }
            let name = message.extracting(unit..<unitEnd)
            if name.isEqual(to: "ms") || name.isEqual(to: "milliseconds") || name.isEqual(to: "millis") { return number }
            if name.isEqual(to: "s") || name.isEqual(to: "sec") || name.isEqual(to: "seconds") || name.isEqual(to: "second") {
                return number * 1000
            }
            if name.isEqual(to: "min") || name.isEqual(to: "minutes") { return number * 60_000 }
        }
        return nil
    }
}
