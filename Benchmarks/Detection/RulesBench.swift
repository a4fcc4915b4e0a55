import Columns
import Detection
import Foundation

/// What a rule by source costs when a day has so many sources: memory as it says itself and as the system sees it, and time per
/// event.
///
///     swift run -c release rules-bench [SOURCES…]
@main
enum RulesBench {
    private static let rules = """
        [{ "name": "Slow", "severity": "warning", "title": "{source}", "description": "", "match": "outcome=failure",
           "group_by": ["source"], "within": "7d", "count": 20 },
         { "name": "Spray", "severity": "warning", "title": "{source}", "description": "", "match": "outcome=failure",
           "except": [{ "seen": "outcome=success", "by": ["net(source)"],
                        "unless": { "match": "outcome=failure", "by": ["net(source)"], "count": 6 } }],
           "group_by": ["source"], "within": "1d", "distinct": { "column": "user", "count": 6 } }]
        """
    private static let rowsPerBatch = 10_000

    static func main() throws {
        let asked = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        print("rule      sources   ns/event   MB (its own figure)   MB (resident)   checkpoint MB   checkpoint s")
        for entry in try JSONDecoder().decode([DetectionEntry].self, from: Data(rules.utf8)) {
            for sources in asked.isEmpty ? [100_000, 300_000, 1_000_000] : asked { try measure(entry, sources) }
        }
    }

    private static func measure(_ entry: DetectionEntry, _ sources: Int) throws {
        let set = DetectorSet([entry], DetectorContext(allowedLateness: .seconds(60), now: { .now }))
        let before = resident()
        var time = Duration.zero
        for first in stride(from: 0, to: sources, by: rowsPerBatch) {
            let (events, lines) = try batch(first..<min(sources, first + rowsPerBatch), of: sources)
            let rows = (0..<Int32(events.count)).map(\.self)
            time += ContinuousClock().measure { _ = set.observe(events: events, lines: lines, lineRows: rows) }
        }
        var size = 0
        let saving = ContinuousClock().measure { size = set.snapshot().count }
        let own = set.figures.reduce(0) { $0 + $1.figures.bytes }
        let cells = [
            entry.name, "\(sources)", "\(Int(time.inSeconds * 1e9) / sources)", "\(own >> 20)", "\((resident() - before) >> 20)",
            "\(size >> 20)", String(format: "%.2f", saving.inSeconds),
        ]
        print(cells.map { $0.padding(toLength: 14, withPad: " ", startingAt: 0) }.joined())
    }

    /// Addresses that come once, spread over a day.
    private static func batch(_ numbers: Range<Int>, of sources: Int) throws -> (events: Batch, lines: Batch) {
        let start = 1_750_000_000_000_000, step = 86_400_000_000 / sources
        let events = try Batch(
            schema: Schema([
                Field("event_time", .timestamp), Field("outcome", .text), Field("source", .text), Field("user", .text),
            ]),
            rows: numbers.map { number in
                // A multiplication by an odd number is a permutation: neighbours in time are no neighbours on the net.
                let address = UInt32(truncatingIfNeeded: number) &* 2_654_435_761
                let source = [24, 16, 8, 0].map { "\(address >> $0 & 255)" }.joined(separator: ".")
                return [
                    .timestamp(Timestamp(microseconds: Int64(start + number * step))), .text("failure"), .text(source),
                    .text("user\(number % 50)"),
                ]
            })
        let lines = try Batch(
            schema: Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)]),
            rows: numbers.map {
                [.text("auth.log"), .int(Int64($0) * 100), .text("a line of about the length that sshd writes \($0)")]
            })
        return (events, lines)
    }

    /// Bytes of this process that are in memory.
    private static func resident() -> Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").dropFirst().first
        return (pages.flatMap { Int($0) } ?? 0) * 4096
    }
}
