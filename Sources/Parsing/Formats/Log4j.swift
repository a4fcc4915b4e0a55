import Columns
import Foundation

/// The text logs of Java programs: Log4j's and Logback's usual layouts, those of Spark, Hadoop and Spring Boot (see
/// ``Log4jHeader``).
///
/// A stack trace, or any line that does not begin with a time, belongs to the event before it: the event is given once the next
/// one begins, or the partition is flushed. What goes beyond ``maxTraceBytes`` is counted and not kept; bronze has it.
struct Log4j: LogFormat {
    static let name = "log4j"
    static let keepsRecords = true
    static let aliases = ["spark", "hadoop", "logback"]
    static let samples = [
        "17/06/09 20:10:40 INFO executor.Executor: Finished task 0.0 in stage 2.0 (TID 2) in 1063 ms",
        "2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created MRAppMaster for application",
        "2026-11-21 10:00:00,123 [pool-1-thread-2] ERROR com.example.Job - it failed",
        "java.lang.IllegalStateException: no input",
        "\tat com.example.Job.run(Job.java:42)",
        "Caused by: java.io.IOException: disk full",
        "2026-11-21 10:00:00.123  WARN 4711 --- [main] c.e.Service   : slow, took 1.5 s",
    ]

    static let maxTraceBytes = 64 << 10

    static let schema = Schema([
        Field("event_time", .timestamp),
        /// trace, debug, info, warning, error or critical, whatever the program calls it.
        Field("level", .text),
        Field("thread", .text, isNullable: true),
        Field("logger", .text, isNullable: true),
        Field("message", .text),
        /// What the message says of a stage, and how long something took.
        Field("stage", .text, isNullable: true),
        Field("duration_ms", .double, isNullable: true),
        /// The class of the exception whose trace follows.
        Field("exception", .text, isNullable: true),
        Field("stack_trace", .text, isNullable: true),
        Field("line_count", .int32),
        Field("file", .text),
        Field("offset", .int64),
    ])

    /// An event that may still get lines.
    private struct Open: Codable {
        var time: Int64
        var level: Int
        var line: [UInt8]
        var thread: Range<Int>
        var logger: Range<Int>
        var message: Int
        var trace: [UInt8] = []
        var lines: Int32 = 1
        var file: [UInt8]
        var offset: Int64
        var arrival: Int64
        /// Its first row in the batch at hand; not kept between batches.
        var row: Int?

        enum CodingKeys: String, CodingKey {
            case time, level, line, thread, logger, message, trace, lines, file, offset, arrival
        }
    }

    private var resolver: StampResolver
    private var open: Open?
    private var rows = Rows()

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        guard options.columns.isEmpty else { throw .takesNoColumns(format: Self.name) }
        try options.checkSettings([], format: Self.name)
        resolver = StampResolver(context: context)
    }

    var schema: Schema { Self.schema }

    mutating func parse(_ lines: Batch) -> ParsedBatch {
        var rejected: [RejectedLine] = []
        lines.forEachLine { row, line, file, offset, arrival in
            let header: Log4jHeader
            switch Log4jHeader.read(line) {
            case .success(let read): header = read
            case .failure(.isContinuation):
                if open == nil {
                    rejected.append(RejectedLine(row: row, reason: line.isBlank ? .emptyLine : .unreadableHeader))
                } else {
                    goOn(line, row: row)
                }
                return
            case .failure(.badTimestamp):
                rejected.append(RejectedLine(row: row, reason: .badTimestamp))
                return
            case .failure(.unreadable) where open != nil:
                // A time at the beginning of a line of a trace or a message is not a header without a level behind it.
                goOn(line, row: row)
                return
            case .failure(.unreadable):
                rejected.append(RejectedLine(row: row, reason: .unreadableHeader))
                return
            }
            guard
                let time = resolver.resolve(header.stamp, file: "", arrival: Timestamp(microseconds: arrival))
            else {
                rejected.append(RejectedLine(row: row, reason: .badTimestamp))
                return
            }
            if let open { rows.append(open, row: open.row ?? row) }
            open = Open(
                time: time.microseconds, level: header.level, line: line.withUnsafeBufferPointer(Array.init),
                thread: header.thread, logger: header.logger, message: header.message,
                file: file.withUnsafeBufferPointer(Array.init), offset: offset, arrival: arrival, row: row)
        }
        open?.row = nil
        return rows.finish(rejected: rejected)
    }

    private mutating func goOn(_ line: Span<UInt8>, row: Int) {
        open!.lines += 1
        if open!.row == nil { open!.row = row }
        guard open!.trace.count + line.count < Self.maxTraceBytes else { return }
        if !open!.trace.isEmpty { open!.trace.append(UInt8(ascii: "\n")) }
        line.withUnsafeBufferPointer { open!.trace.append(contentsOf: $0) }
    }

    mutating func flush() -> FlushedLines? {
        guard let last = open else { return nil }
        open = nil
        var builder = RawLinesBuilder()
        builder.append(
            last.line.span, offset: last.offset, source: "", file: String(decoding: last.file, as: UTF8.self),
            arrival: Timestamp(microseconds: last.arrival))
        rows.append(last, row: 0)
        return FlushedLines(lines: builder.finish(), parsed: rows.finish(rejected: []))
    }

    var state: Data { get throws { try JSONEncoder().encode(open) } }
    mutating func restore(_ state: Data) throws { open = try JSONDecoder().decode(Open?.self, from: state) }

    /// The columns of a batch of events as they grow.
    private struct Rows {
        var times = NumberBuilder<Int64>()
        var levels = DictionaryBuilder()
        var threads = DictionaryBuilder()
        var loggers = DictionaryBuilder()
        var messages = TextBuilder()
        var stages = DictionaryBuilder()
        var durations = NumberBuilder<Double>()
        var exceptions = DictionaryBuilder()
        var traces = TextBuilder()
        var counts = NumberBuilder<Int32>()
        var files = DictionaryBuilder()
        var offsets = NumberBuilder<Int64>()
        var lineRows: [Int32] = []

        mutating func append(_ event: Open, row: Int) {
            let line = event.line.span
            times.append(event.time)
            levels.append(utf8: Log4jHeader.levelNames[min(max(0, event.level), Log4jHeader.levelNames.count - 1)])
            if event.thread.isEmpty { threads.appendNull() } else { threads.append(line.extracting(event.thread)) }
            if event.logger.isEmpty { loggers.appendNull() } else { loggers.append(line.extracting(event.logger)) }
            let message = line.extracting(min(event.message, line.count)..<line.count)
            messages.append(message)
            if let stage = StageFacts.stage(message) { stages.append(message.extracting(stage)) } else { stages.appendNull() }
            durations.append(StageFacts.duration(message))
            let trace = event.trace.span
            if let name = Self.exception(trace) { exceptions.append(trace.extracting(name)) } else { exceptions.appendNull() }
            if event.trace.isEmpty { traces.appendNull() } else { traces.append(trace) }
            counts.append(event.lines)
            files.append(event.file.span)
            offsets.append(event.offset)
            lineRows.append(Int32(row))
        }

        /// The class at the head of the first line of a trace: up to a colon or the end, no blank, at least one dot.
        static func exception(_ trace: Span<UInt8>) -> Range<Int>? {
            var end = 0
            var hasDot = false
            while end < trace.count, trace[end] != UInt8(ascii: ":"), trace[end] > 0x20 {
                if trace[end] == UInt8(ascii: ".") { hasDot = true }
                end += 1
            }
            guard end > 0, end <= 256, hasDot, end == trace.count || trace[end] == UInt8(ascii: ":") || trace[end] == 0x0A else {
                return nil
            }
            return 0..<end
        }

        mutating func finish(rejected: [RejectedLine]) -> ParsedBatch {
            defer { lineRows = [] }
            let batch = Batch(
                schema: Log4j.schema,
                columns: [
                    times.finish(), levels.finish(), threads.finish(), loggers.finish(), messages.finish(), stages.finish(),
                    durations.finish(), exceptions.finish(), traces.finish(), counts.finish(), files.finish(), offsets.finish(),
                ])
            return ParsedBatch(events: batch, lineRows: lineRows, rejected: rejected)
        }
    }
}
