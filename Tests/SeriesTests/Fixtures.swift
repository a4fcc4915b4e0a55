import Columns
import Foundation

@testable import Series

/// Series that are made, the same ones each time.
enum Made {
    /// The length of a step between two values.
    static let step = 300

    static let day = 86_400 / step

    /// Noise of mean 0 and deviation 1 (the sum of twelve uniform numbers), changed value by value.
    static func noise(_ count: Int, seed: UInt64 = 42, _ change: (Int, Double) -> Double = { $1 }) -> [Double] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { i in
            let sum = (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
            return change(i, sum)
        }
    }

    static func time(_ number: Int) -> Timestamp { Timestamp(seconds: Int64(1_700_000_000 + number * step)) }
}

extension SeriesDetector {
    /// The readings of values that come every five minutes.
    mutating func readings(_ values: [Double], from start: Int = 0) -> [SeriesReading] {
        values.enumerated().map { observe($1, at: Made.time(start + $0)) }
    }

    static func readings(_ values: [Double]) -> [SeriesReading] {
        var detector = SeriesDetector()
        return detector.readings(values)
    }

    var state: StateWriter {
        var writer = StateWriter()
        encode(to: &writer)
        return writer
    }

    /// The detector that its state gives.
    func restored() throws -> SeriesDetector {
        var reader = StateReader(state.data)
        let restored = try SeriesDetector(from: &reader)
        guard reader.isAtEnd else { throw StateReader.Damaged() }
        return restored
    }
}
