import Columns
import Foundation

@testable import Parsing

extension FuzzTarget {
    /// Each format of lines, on whole logs.
    static let formats: [FuzzTarget] =
        LogFormats.all.filter { $0.name != "layout" }.map { type in
            format(type.name, type.name, seeds: type.samples + [type.samples.joined(separator: "\n")])
        } + [
            format("container", "json", [.init("container", "true")], seeds: containerLines),
            FuzzTarget("journal", seeds: journals) { bytes in
                check("sshd", FormatOptions(), bytes)
            },
            FuzzTarget("layouts", seeds: layoutLines) { bytes in
                // The first byte chooses the layout.
                guard let first = bytes.first else { return }
                let names = LogFormats.layouts
                check(names[Int(first) % names.count], FormatOptions(), Array(bytes.dropFirst()))
            },
            FuzzTarget("ordered-sshd", seeds: SSHD.samples) { bytes in
                check("sshd", FormatOptions(), bytes, ordersLines: true)
            },
        ]

    private static let containerLines = [
        #"{"log":"{\"a\":1}\n","stream":"stderr","time":"2026-11-28T00:00:00.123456789Z"}"#,
        "2026-11-28T00:00:00.123456789Z stderr P {\"a\":\n2026-11-28T00:00:00.123456789Z stderr F 1}",
    ]

    private static let journals = [
        #"{"__REALTIME_TIMESTAMP":"1795824000000000","SYSLOG_IDENTIFIER":"sshd","_PID":"7","_HOSTNAME":"gate","MESSAGE":"Invalid user a from 192.0.2.1 port 4"}"#,
        "__REALTIME_TIMESTAMP=1795824000000000\n_COMM=sshd\nMESSAGE=Invalid user a from 192.0.2.1 port 4\n\n",
    ]

    private static let layoutLines = [
        "a192.0.2.7 - - [26/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 612 \"-\" \"curl\"",
        "hI1128 10:00:00.123456       7 main.go:12] started",
        "l2026-11-28 10:00:00,123 INFO  [main] c.e.App - started\n\tat a.b(C.java:1)",
    ]

    private static func format(
        _ name: String, _ format: String, _ settings: [FormatOptions.Setting] = [], seeds: [String]
    ) -> FuzzTarget {
        var options = FormatOptions(settings: settings)
        if ["json", "logfmt", "csv"].contains(format) {
            options.columns = [.init("a", .int64), .init("b", .text)]
        }
        return FuzzTarget(name, seeds: seeds) { [options] in check(format, options, $0) }
    }

    private static func batch(_ bytes: ArraySlice<UInt8>, at offset: Int) -> Batch {
        var builder = RawLinesBuilder()
        _ = builder.append(
            linesOf: bytes.span, offset: Int64(offset), source: "s", file: "f",
            arrival: Timestamp(microseconds: 1_795_824_000_000_000))
        return builder.finish()
    }

    /// Reads a log whole and in two halves, the second by a format that was restored from the state of the first.
    private static func check(_ name: String, _ options: FormatOptions, _ bytes: [UInt8], ordersLines: Bool = false) {
        let context = ParsingContext(year: 2026, timeZone: .gmt, ordersLines: ordersLines)
        guard let start = try? LogFormats.make(name, context: context, options: options) else { return }
        var format = start
        var whole = Read()
        whole.take(RawLines.parse(batch(bytes[...], at: 0), with: &format), &format)
        whole.end(&format)
        promise(whole.events.count + whole.rejected <= bytes.count + 1, "more events than bytes")
        guard let cut = bytes[(bytes.count / 2)...].firstIndex(of: 10) else { return }
        var first = start, parts = Read()
        parts.take(RawLines.parse(batch(bytes[...cut], at: 0), with: &first), &first)
        guard let state = try? first.state, var second = try? LogFormats.make(name, context: context, options: options) else {
            promise(false, "a state cannot be written")
            return
        }
        do { try second.restore(state) } catch { promise(false, "a state of its own is not read: \(error)") }
        parts.take(RawLines.parse(batch(bytes[(cut + 1)...], at: cut + 1), with: &second), &second)
        parts.end(&second)
        promise(
            parts.rejected == whole.rejected, "cut at \(cut), \(parts.rejected) lines are rejected instead of \(whole.rejected)")
        promise(parts.events == whole.events, "cut at \(cut), other events: \(parts.events) instead of \(whole.events)")
    }

    /// What became of a log.
    private struct Read {
        var events: [String] = []
        var rejected = 0

        mutating func take(_ parsed: ParsedBatch, _ format: inout any LogFormat) {
            add(parsed)
            for due in format.due() { add(due) }
        }

        mutating func end(_ format: inout any LogFormat) {
            if let rest = format.flush() { add(rest) }
            for due in format.due() { add(due) }
        }

        /// A record of several lines may be refused line by line, or as a whole.
        private mutating func add(_ flushed: FlushedLines) {
            add(flushed.parsed)
            for line in flushed.parsed.rejected {
                rejected += flushed.lines["line"]!.withBytes(at: line.row) { line in (0..<line.count).count { line[$0] == 10 } }
            }
        }

        private mutating func add(_ parsed: ParsedBatch) {
            promise(parsed.lineRows.count == parsed.events.count, "an event has no line")
            rejected += parsed.rejected.count
            for row in 0..<parsed.events.count {
                events.append(parsed.events.row(row).map(\.description).joined(separator: "|"))
            }
        }
    }
}
