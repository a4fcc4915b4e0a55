import Columns
import Foundation

extension Double {
    var logarithm: Double { Foundation.log(self) }
}

/// Quantiles of numbers, each within 1 % of the value that sorting would give, in memory that the spread of the values bounds.
///
/// A positive number x is counted in bucket ⌈log_γ x⌉ with γ = 1.01/0.99; negative ones in buckets of their own. Beyond
/// ``maxBuckets`` the ones nearest to 0 are put together, so that high quantiles keep their precision (2048 buckets reach over
/// 17 powers of ten).
///
/// Source: Masson, Rim, Lee: DDSketch, PVLDB 12(12), 2019.
struct QuantileSketch: Sendable {
    static let relativeError = 0.01
    private static let maxBuckets = 2048
    private static let gamma = (1 + relativeError) / (1 - relativeError)
    private static let logGamma = gamma.logarithm

    private var positive: [Int32: Int64] = [:]
    private var negative: [Int32: Int64] = [:]
    private var zeros: Int64 = 0
    private(set) var count: Int64 = 0
    private var least = Double.infinity
    private var greatest = -Double.infinity

    init() {}

    /// Takes in a number; NaN and infinities are left out.
    mutating func insert(_ value: Double) {
        guard value.isFinite else { return }
        count += 1
        least = min(least, value)
        greatest = max(greatest, value)
        // What is smaller than this is 0 for anybody who asks for quantiles, and its logarithm would cost buckets.
        if value.magnitude < 1e-12 {
            zeros += 1
        } else if value > 0 {
            positive[Self.bucket(value), default: 0] += 1
            Self.limit(&positive)
        } else {
            negative[Self.bucket(-value), default: 0] += 1
            Self.limit(&negative)
        }
    }

    private static func bucket(_ value: Double) -> Int32 { Int32((value.logarithm / logGamma).rounded(.up)) }

    private static func limit(_ buckets: inout [Int32: Int64]) {
        guard buckets.count > maxBuckets else { return }
        let lowest = buckets.keys.sorted()
        buckets[lowest[1]]! += buckets.removeValue(forKey: lowest[0])!
    }

    mutating func merge(_ other: QuantileSketch) {
        count += other.count
        zeros += other.zeros
        least = min(least, other.least)
        greatest = max(greatest, other.greatest)
        for (bucket, count) in other.positive {
            positive[bucket, default: 0] += count
            Self.limit(&positive)
        }
        for (bucket, count) in other.negative {
            negative[bucket, default: 0] += count
            Self.limit(&negative)
        }
    }

    /// The value at a share of the numbers, from 0 (the least) to 1 (the greatest); nil when there is none.
    func quantile(_ share: Double) -> Double? {
        guard count > 0 else { return nil }
        let rank = Int64((share * Double(count - 1)).rounded(.down))
        if rank <= 0 { return least }
        if rank >= count - 1 { return greatest }
        var before: Int64 = 0
        for (bucket, count) in negative.sorted(by: { $0.key > $1.key }) {
            before += count
            if before > rank { return clamp(-Self.value(bucket)) }
        }
        before += zeros
        if before > rank { return clamp(0) }
        for (bucket, count) in positive.sorted(by: { $0.key < $1.key }) {
            before += count
            if before > rank { return clamp(Self.value(bucket)) }
        }
        return greatest
    }

    private func clamp(_ value: Double) -> Double { min(max(value, least), greatest) }

    /// The number that is within the error of all in the bucket.
    private static func value(_ bucket: Int32) -> Double { 2 * pow(gamma, Double(bucket)) / (gamma + 1) }

    func encode(to writer: inout StateWriter) {
        writer.write(zeros)
        writer.write(count)
        writer.write(least)
        writer.write(greatest)
        for buckets in [positive, negative] {
            writer.write(buckets.count)
            for (bucket, count) in buckets.sorted(by: { $0.key < $1.key }) {
                writer.write(Int64(bucket))
                writer.write(count)
            }
        }
    }

    init(from reader: inout StateReader) throws {
        zeros = try reader.int64()
        count = try reader.int64()
        least = try reader.double()
        greatest = try reader.double()
        for path in [\QuantileSketch.positive, \.negative] {
            for _ in 0..<(try reader.count()) {
                guard let bucket = Int32(exactly: try reader.int64()) else { throw StateReader.Damaged() }
                self[keyPath: path][bucket] = try reader.int64()
            }
        }
    }
}
