import Columns

/// The part of a Java program's log line before the message, in the layouts that Log4j, Logback, Spark, Hadoop,
/// Flink, Kafka, Cassandra and Spring Boot come with, and those of Python's `logging` and Airflow, which are found beside them.
///
///     17/06/09 20:10:40 INFO executor.Executor: Finished task 0.0 in stage 2.0 (TID 2) in 1063 ms
///     2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created MRAppMaster
///     2026-11-21 10:00:00,123 [pool-1] ERROR com.example.Job - it failed
///     2026-11-21 10:00:00.123  WARN 4711 --- [app] [main] c.e.Service   : slow
///     10:00:00.123 [main] INFO  com.example.App -- started
///     2026-11-26 10:00:00,123 INFO  org.apache.flink.runtime.taskmanager.Task [] - Source: a (1/1)#0 switched
///     [2026-11-26 10:00:00,123] INFO [GroupCoordinator 0]: Preparing to rebalance (kafka.coordinator.group.GroupCoordinator)
///     INFO  [main] 2026-11-26 10:00:00,123 Foo.java:42 - of Cassandra
///     2026-11-26 10:00:00,123 - root - INFO - of Python
///     [2026-11-26T10:00:00.123+0000] {taskinstance.py:1157} INFO - of Airflow
///
/// A line that does not begin with a time, or with a level and a time, belongs to the event before it.
struct Log4jHeader {
    /// As obs names levels; Java's five and java.util.logging's.
    static let levels: [(word: StaticString, code: Int)] = [
        ("INFO", 2), ("WARN", 3), ("ERROR", 4), ("DEBUG", 1), ("TRACE", 0), ("FATAL", 5), ("WARNING", 3), ("SEVERE", 4),
        ("FINE", 1), ("FINER", 0), ("FINEST", 0), ("CONFIG", 1), ("NOTICE", 2), ("CRITICAL", 5),
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
        var header = Log4jHeader(stamp: .none, level: -1, message: line.count)
        var at = header.readLevelBefore(line)
        let isBracketed = at < line.count && line[at] == UInt8(ascii: "[")
        if isBracketed { at += 1 }
        guard let found = stamp(line, at: at) else { return .failure(.isContinuation) }
        guard let value = found.value else { return .failure(.badTimestamp) }
        (header.stamp, at) = value
        if isBracketed, at < line.count, line[at] == UInt8(ascii: "]") { at += 1 }
        guard header.readWords(line, from: at, isBracketed: isBracketed) else { return .failure(.unreadable) }
        return header.level < 0 ? .failure(.unreadable) : .success(header)
    }

    /// `INFO  [main] ` before the stamp, as Cassandra writes it; gives where the stamp is expected.
    private mutating func readLevelBefore(_ line: Span<UInt8>) -> Int {
        let end = line.wordEnd(from: 0)
        guard end > 0, let first = Self.level(line.extracting(0..<end)) else { return 0 }
        var at = line.skipBlanks(from: end)
        if at < line.count, line[at] == UInt8(ascii: "["), Self.stamp(line, at: at + 1) == nil,
            let close = line.firstIndex(of: UInt8(ascii: "]"), from: at)
        {
            thread = (at + 1)..<close
            at = line.skipBlanks(from: close + 1)
        }
        level = first
        return at
    }

    /// The words before the message: a level, a thread in brackets, a process id, then the logger, which ends them. False when
    /// a bracket has no end.
    private mutating func readWords(_ line: Span<UInt8>, from start: Int, isBracketed: Bool) -> Bool {
        var at = start
        var isBehindDashes = false, isDashed = false
        while true {
            at = line.skipBlanks(from: at)
            guard at < line.count else { return true }
            let end = line.wordEnd(from: at)
            let word = line.extracting(at..<end)
            if level >= 0, !logger.isEmpty {
                // The logger was before the level.
                message = word.isEqual(to: "-") ? line.skipBlanks(from: end) : at
                return true
            }
            if level < 0, let found = Self.level(word) {
                level = found
                at = end
            } else if line[at] == UInt8(ascii: "["), level < 0 || isBehindDashes || thread.isEmpty {
                if level >= 0, isBracketed, !isBehindDashes, let last = Self.loggerAtEnd(line) {
                    (logger, message) = (last, at)
                    return true
                }
                // Threads have names with blanks and brackets in them: it ends where a blank follows, or at the first bracket.
                guard var close = line.firstIndex(of: UInt8(ascii: "]"), from: at) else { return false }
                while close + 1 < line.count, line[close + 1] == UInt8(ascii: "]") { close += 1 }
                if level < 0, let found = Self.level(line.extracting((at + 1)..<line.trimmedEnd(at + 1, close))) {
                    level = found
                } else if thread.isEmpty || isBehindDashes {
                    // Spring Boot 3 writes the application's name in brackets before the thread.
                    thread = (at + 1)..<close
                }
                at = close + 1
            } else if word.isEqual(to: "---") {
                isBehindDashes = true
                at = end
            } else if line.integer(in: at..<end) != nil, level >= 0 {
                at = end
            } else if level < 0, word.count > 2, line[at] == UInt8(ascii: "{"), line[end - 1] == UInt8(ascii: "}") {
                logger = (at + 1)..<(end - 1)
                at = end
            } else if level < 0, word.isEqual(to: "-") {
                isDashed = true
                at = end
            } else if level < 0, isDashed, logger.isEmpty {
                logger = at..<end
                at = end
            } else {
                readLogger(line, at..<end)
                if logger.isEmpty, isBracketed, let last = Self.loggerAtEnd(line) { logger = last }
                return true
            }
        }
    }

    /// `(kafka.coordinator.group.GroupCoordinator)` at the end of a line of Kafka.
    private static func loggerAtEnd(_ line: Span<UInt8>) -> Range<Int>? {
        guard line.count > 3, line[line.count - 1] == UInt8(ascii: ")") else { return nil }
        var at = line.count - 2, hasDot = false
        while at > 0, line[at] != UInt8(ascii: "("), line[at] != UInt8(ascii: " "), line.count - at < 256 {
            if line[at] == UInt8(ascii: ".") { hasDot = true }
            at -= 1
        }
        return hasDot && line[at] == UInt8(ascii: "(") ? (at + 1)..<(line.count - 1) : nil
    }

    /// `logger: message`, `logger - message`, `logger : message`, with `[]` or `(Foo.java:42)` before the dash; a word that
    /// none of these follows begins the message.
    private mutating func readLogger(_ line: Span<UInt8>, _ word: Range<Int>) {
        message = word.lowerBound
        var end = word.upperBound
        var next = end
        if line[end - 1] == UInt8(ascii: ":"), word.count > 1 {
            end -= 1
        } else {
            next = line.skipBlanks(from: next)
            if next < line.count, line[next] == UInt8(ascii: "[") || line[next] == UInt8(ascii: "("),
                let dash = Self.dash(line, behind: next)
            {
                next = dash
            }
            if next + 1 < line.count, line[next] == UInt8(ascii: "-"), line[next + 1] == UInt8(ascii: "-") { next += 1 }
            guard next < line.count, line[next] == UInt8(ascii: "-") || line[next] == UInt8(ascii: ":"),
                next + 1 == line.count || line[next + 1] == UInt8(ascii: " ")
            else { return }
            next += 1
        }
        logger = word.lowerBound..<end
        while next < line.count, line[next] == UInt8(ascii: " ") { next += 1 }
        message = next
    }

    /// The dash of `] - ` or `) - ` that ends what begins at `start`.
    private static func dash(_ line: Span<UInt8>, behind start: Int) -> Int? {
        let close = line[start] == UInt8(ascii: "[") ? UInt8(ascii: "]") : UInt8(ascii: ")")
        var at = start + 1
        while at + 3 < line.count, at - start < 256 {
            if line[at] == close, line[at + 1] == UInt8(ascii: " "), line[at + 2] == UInt8(ascii: "-"),
                line[at + 3] == UInt8(ascii: " ")
            {
                return at + 2
            }
            at += 1
        }
        return nil
    }

    /// A level, as a word or in brackets, in capitals or not.
    private static func level(_ word: Span<UInt8>) -> Int? {
        var start = 0, end = word.count
        if end > 2, word[0] == UInt8(ascii: "["), word[end - 1] == UInt8(ascii: "]") { (start, end) = (1, end - 1) }
        guard (4...8).contains(end - start) else { return nil }
        for (name, code) in levels where name.utf8CodeUnitCount == end - start {
            // Safe because the literal is as long as the loop goes.
            var isEqual = true
            for index in 0..<(end - start) where word[start + index] & 0xDF != name.utf8Start[index] { isEqual = false }
            if isEqual { return code }
        }
        return nil
    }

    /// Any stamp that a line may begin with, and where it ends; nil where there is none.
    static func stamp(_ line: Span<UInt8>, at start: Int) -> SyslogTime.Attempt<(SyslogHeader.Stamp, Int)>? {
        if let found = SyslogTime.iso(line, at: start) { return .init(value: found.value.map { ($0.stamp, $0.end) }) }
        if let found = shortDate(line, at: start) { return .init(value: found.value.map { ($0, start + 17) }) }
        return timeOfDay(line, at: start) ?? milliseconds(line, at: start)
    }

    /// `10:00:00.123`; without its fraction it is a text.
    private static func timeOfDay(_ line: Span<UInt8>, at start: Int) -> SyslogTime.Attempt<(SyslogHeader.Stamp, Int)>? {
        guard start + 12 < line.count, line[start].isDigit, let second = ISOTime.secondOfDay(line, at: start),
            line[start + 8] == UInt8(ascii: ".") || line[start + 8] == UInt8(ascii: ","), line[start + 12] == UInt8(ascii: " "),
            let fraction = line.integer(in: (start + 9)..<(start + 12))
        else { return nil }
        return .init(value: (.timeOfDay(second: second, microsecond: Int(fraction) * 1000), start + 12))
    }

    /// `1795687200123`, milliseconds since 1970.
    private static func milliseconds(_ line: Span<UInt8>, at start: Int) -> SyslogTime.Attempt<(SyslogHeader.Stamp, Int)>? {
        guard start + 13 < line.count, line[start + 13] == UInt8(ascii: " "),
            let number = Int64(decimal: line.extracting(start..<(start + 13))), number >= 100_000_000_000
        else { return nil }
        return .init(value: (.absolute(Timestamp(microseconds: number * 1000)), start + 13))
    }

    /// `17/06/09 20:10:40`, as Spark's own layout has it.
    private static func shortDate(_ line: Span<UInt8>, at start: Int) -> SyslogTime.Attempt<SyslogHeader.Stamp>? {
        guard start + 17 <= line.count, line[start + 2] == UInt8(ascii: "/"), line[start + 5] == UInt8(ascii: "/"),
            line[start + 8] == UInt8(ascii: " "), let year = line.integer(in: start..<(start + 2)),
            let month = line.integer(in: (start + 3)..<(start + 5)), let day = line.integer(in: (start + 6)..<(start + 8))
        else { return nil }
        guard (1...12).contains(month), day >= 1, Int(day) <= ISOTime.length(ofMonth: Int(month), year: 2000 + Int(year)),
            let second = ISOTime.secondOfDay(line, at: start + 9)
        else { return .init(value: nil) }
        return .init(
            value: .local(year: 2000 + Int(year), month: Int(month), day: Int(day), second: second, microsecond: 0))
    }
}

extension Span<UInt8> {
    /// Where the blanks before `end` begin.
    fileprivate func trimmedEnd(_ start: Int, _ end: Int) -> Int {
        var end = end
        while end > start, self[end - 1] == UInt8(ascii: " ") { end -= 1 }
        return end
    }
}
