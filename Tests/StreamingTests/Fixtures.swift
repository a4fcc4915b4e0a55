import Columns
import Foundation
import Lake
import TestSupport

@testable import Streaming

/// Rows of `t` (seconds), `k`, `v`, and a running `id`: what windows, joins and the like are tried on.
struct Rows {
    static let schema = Schema([
        Field("event_time", .timestamp), Field("id", .int64), Field("k", .text, isNullable: true),
        Field("v", .double, isNullable: true),
        Field("n", .int64, isNullable: true),
    ])

    static func batch(_ rows: [(t: Double, k: String?, v: Double?)], firstID: Int = 0) -> Batch {
        try! Batch(
            schema: schema,
            rows: rows.enumerated().map { index, row in
                [
                    .timestamp(Timestamp(microseconds: Int64(row.t * 1e6))), .int(Int64(firstID + index)),
                    row.k.map(Value.text) ?? .null, row.v.map(Value.double) ?? .null, row.v.map { .int(Int64($0)) } ?? .null,
                ]
            })
    }
}

extension Batch {
    /// Each row as texts with blanks between; times in seconds since 1970.
    var lines: [String] {
        (0..<count).map { index in
            row(index).map { value in
                if case .timestamp(let time) = value { return Value.double(Double(time.microseconds) / 1e6).description }
                return value == .null ? "-" : value.description
            }.joined(separator: " ")
        }
    }
}

extension TemporaryFolder {
    var lake: Lake { Lake(root: path + "/lake") }
}

extension PartitionWatermarks {
    /// Takes in times of a partition whose rows name no host and arrive long after.
    mutating func observe(_ times: Column, of name: String, lateness: Duration, now: ContinuousClock.Instant) -> [Int64] {
        let batch = Batch(schema: Schema([Field("event_time", .timestamp)]), columns: [times])
        var arrivals = NumberBuilder<Int64>()
        for _ in 0..<times.count { arrivals.append(Int64.max) }
        return observe(
            batch, arrivals: arrivals.finish(), of: name,
            input: InputDefinition(name: "i", table: "i", format: "json", allowedLateness: lateness), idleAfter: .seconds(60),
            now: now
        ).watermarks
    }
}
