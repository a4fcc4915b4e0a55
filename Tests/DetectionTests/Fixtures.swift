import Columns
import Foundation

@testable import Detection

/// A table of numbers as it stands in a CSV file with a header line: the columns in the order of the file.
func numbers(inCSV text: String) -> (names: [String], columns: [[Double]]) {
    let lines = text.split(whereSeparator: \.isNewline)
    let names = lines[0].split(separator: ",").map(String.init)
    var columns = [[Double]](repeating: [], count: names.count)
    for line in lines.dropFirst() {
        for (column, cell) in line.split(separator: ",").enumerated() { columns[column].append(Double(cell) ?? .nan) }
    }
    return (names, columns)
}

/// A row that a rule may look at.
struct Row: Sendable {
    /// Seconds.
    var time: Double
    var event: String
    var source: String?
    var user = "x"
    var pid: String?
    var count = 1
    /// The number of its line in the file; nil for its place among the rows.
    var line: Int?
}

/// Detectors, and rows to show them.
struct Watch {
    let set: DetectorSet

    static let events = Schema([
        Field("event_time", .timestamp), Field("event", .text), Field("source", .text, isNullable: true),
        Field("user", .text, isNullable: true), Field("pid", .text, isNullable: true), Field("count", .int32),
    ])
    static let lines = Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)])

    init(_ rules: DetectionRule..., lateness: Duration = .seconds(60)) { self.init(rules, lateness: lateness) }

    init(_ rules: [DetectionRule], lateness: Duration = .seconds(60)) {
        set = DetectorSet(
            rules.map { DetectionEntry($0) }, DetectorContext(allowedLateness: lateness, now: { Timestamp(seconds: 0) }))
    }

    /// The findings that `rows` complete, shown as one batch.
    func see(_ rows: [Row]) throws -> [Finding] {
        guard !rows.isEmpty else { return [] }
        let events = try Batch(
            schema: Self.events,
            rows: rows.map {
                [
                    .timestamp(Timestamp(microseconds: Int64($0.time * 1e6))), .text($0.event),
                    $0.source.map(Value.text) ?? .null,
                    .text($0.user), $0.pid.map(Value.text) ?? .null, .int(Int64($0.count)),
                ]
            })
        let lines = try Batch(
            schema: Self.lines,
            rows: rows.enumerated().map { [.text("f"), .int(Int64($1.line ?? $0)), .text("line at \($1.time)")] })
        return set.observe(events: events, lines: lines, lineRows: rows.indices.map(Int32.init))
    }

    /// The same, one row a batch.
    func seeEach(_ rows: [Row]) throws -> [Finding] { try rows.flatMap { try see([$0]) } }

    /// The same in pieces of `size`, with the updates at the end: the last word on each group.
    func last(_ rows: [Row], batchesOf size: Int = 7) throws -> [String: Finding] {
        var findings: [Finding] = []
        for start in stride(from: 0, to: rows.count, by: size) {
            findings += try see(Array(rows[start..<min(rows.count, start + size)]))
        }
        findings += set.updates()
        return Self.last(findings)
    }

    /// The last finding of each rule, labels and session.
    static func last(_ findings: [Finding]) -> [String: Finding] {
        var last: [String: Finding] = [:]
        for var finding in findings {
            finding.isUpdate = false
            last["\(finding.name) \(finding.labels)"] = finding
        }
        return last
    }
}

/// A rule by source.
func rule(
    _ name: String = "R", _ match: String = "event=failed", count: Int = 1, distinct: (String, Int)? = nil, then: String? = nil,
    within: Duration = .seconds(60), groupBy: [String] = ["source"]
) throws -> DetectionRule {
    DetectionRule(
        name: name, severity: .warning, title: "{source} {count}", description: "", match: try [Matcher](parsing: match),
        groupBy: try groupBy.map { try ColumnReference(parsing: $0) }, within: within, count: count,
        distinct: distinct.map { .init(ColumnReference($0.0), count: $0.1) }, then: try then.map { try [Matcher](parsing: $0) })
}
