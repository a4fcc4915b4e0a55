import Columns
import Foundation
import Testing

@testable import Series

struct `A series detector` {
    /// A change of noise that must be found, and the values among which it must be.
    struct Shape: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let found: Range<Int>
        let values: @Sendable () -> [Double]

        init(_ name: String, _ found: Range<Int>, _ change: @escaping @Sendable (Int, Double) -> Double) {
            testDescription = name
            self.found = found
            values = { Made.noise(found.upperBound, change) }
        }
    }

    static let mustFind = [
        Shape("a spike, at once", 2500..<2501) { $0 == 2500 ? 25 : $1 },
        Shape("a drop, at once", 2500..<2501) { $0 == 2500 ? -25 : $1 },
        Shape("a level that shifts and stays", 2500..<2508) { $1 + ($0 < 2500 ? 0 : 15) },
        Shape("a shift of three deviations", 2500..<2508) { $1 + ($0 < 2500 ? 0 : 3) },
        Shape("a slope, before it is thrice the range", 2500..<2800) { $1 + ($0 < 2500 ? 0 : Double($0 - 2500) * 0.06) },
        Shape("values that scatter more", 2500..<2628) { $0 < 2500 ? $1 : $1 * 3 },
        Shape("values that scatter less", 2500..<2700) { $0 < 2500 ? $1 : $1 * 0.05 },
        Shape("a flat line", 2500..<2600) { (2500..<2600).contains($0) ? 0.1 : $1 },
        Shape("a quiet day in a busy week", (24 * Made.day)..<(25 * Made.day)) { i, noise in
            let isBusy = i % Made.day > 100 && i / Made.day % 7 < 5
            return noise + (isBusy && !(24 * Made.day..<25 * Made.day).contains(i) ? 40 : 0)
        },
        Shape("a course that never was", 2400..<2500) { i, noise in
            let phase = i % 32 < 16 ? 10.0 : -10.0
            return noise * 0.3 + (i < 2400 ? phase : phase == 10 && i % 4 < 2 ? 10 : -10)
        },
    ]

    @Test(arguments: mustFind) func `finds what is unlike the past`(shape: Shape) {
        let readings = SeriesDetector.readings(shape.values())
        #expect(readings[shape.found].contains { $0.score > 0.4 })
        #expect(readings[shape.found].contains { $0.reason != nil && $0.since != nil })
    }

    static let mustNotFind = [
        Shape("a constant", 1..<4000) { _, _ in 7 },
        Shape("a constant of an enormous size", 1..<1000) { _, _ in 1e149 },
        Shape("a square wave that repeats", 1..<4000) { i, _ in i / 12 % 2 == 0 ? 20 : 80 },
        Shape("days that are alike", 1..<6000) { i, noise in 50 * sin(Double(i) * 2 * .pi / Double(Made.day)) + noise },
        Shape("counts that are mostly zero", 1..<4000) { _, noise in max(0, noise.rounded()) },
    ]

    @Test(arguments: mustNotFind) func `is calm where nothing happens`(shape: Shape) {
        let readings = SeriesDetector.readings(shape.values())
        #expect((readings.map(\.score).max() ?? 1) < 0.8)
        #expect(readings.allSatisfy { (0...1).contains($0.score) })
    }

    @Test(arguments: [UInt64(1), 2, 3]) func `exceeds its threshold seldom on noise`(seed: UInt64) {
        let scores = SeriesDetector.readings(Made.noise(8000, seed: seed)).map(\.score)
        #expect(scores.count { $0 > 0.4 } <= 16)
        #expect(scores.count { $0 > 0.8 } == 0)
    }

    @Test func `finds a gap`() {
        var detector = SeriesDetector()
        _ = detector.readings(Made.noise(2000))
        let reading = detector.observe(0, at: Made.time(2024))
        #expect(reading.score > 0.4)
        #expect(reading.reason == "the value came after an unusual pause")
    }

    // MARK: What holds for any series

    @Test(arguments: [151, 400, 1499]) func `does not look at what follows`(count: Int) {
        let values = Made.noise(count)
        let later = SeriesDetector.readings(values + [1e9, -1e9] + values)
        #expect(Array(later.prefix(count)) == SeriesDetector.readings(values))
    }

    @Test func `saved and restored anywhere it goes on as if nothing had happened`() throws {
        let values = Made.noise(3000) { $1 + Double($0 / 144 % 2) * 20 + ($0 == 1700 ? 90 : 0) }
        var whole = SeriesDetector(), parts = SeriesDetector()
        for (number, value) in values.enumerated() {
            if number % 97 == number / 97 % 97 { parts = try parts.restored() }
            #expect(whole.observe(value, at: Made.time(number)) == parts.observe(value, at: Made.time(number)))
        }
        #expect(whole.state.bytes == parts.state.bytes)
        #expect(whole.state.bytes.count < 16_384)
    }

    @Test func `takes little room while it is young`() { #expect(SeriesDetector().state.bytes.count < 512) }

    @Test(arguments: [(1000.0, 0.0), (1e-3, 0), (1, 1e6), (-1, 0), (4, -1e5)])
    func `does not mind another unit or zero`(factor: Double, shift: Double) {
        let values = Made.noise(3000) { $1 + ($0 == 2000 ? 30 : $0 > 2500 ? 8 : 0) }
        let plain = SeriesDetector.readings(values), other = SeriesDetector.readings(values.map { $0 * factor + shift })
        // The first value was not expected.
        for (plain, other) in zip(plain, other).dropFirst() {
            #expect((plain.score - other.score).magnitude < 1e-2)
            #expect((plain.expected * factor + shift - other.expected).magnitude < 1e-3 * factor.magnitude)
        }
    }

    @Test func `does not remember what is not a number`() {
        let values = Made.noise(600), plain = SeriesDetector.readings(values)
        var detector = SeriesDetector()
        for (number, value) in values.enumerated() {
            for wild in [Double.nan, .infinity, -.infinity, 1e300] {
                #expect(detector.observe(wild, at: Made.time(number)).score == 0)
            }
            #expect(detector.observe(value, at: Made.time(number)) == plain[number])
        }
    }

    @Test func `survives values and times of any kind`() throws {
        let wild = [Double.nan, .infinity, -.infinity, 1e149, -1e149, 1e300, 0, -0.0, .leastNonzeroMagnitude, .ulpOfOne]
        let times = [Int64.min, .max, 0, -1, 1_700_000_000_000_000]
        var detector = SeriesDetector()
        for (i, value) in Made.noise(4000).enumerated() {
            let time = i % 11 == 0 ? nil : i % 13 == 0 ? Timestamp(microseconds: times[i / 13 % times.count]) : Made.time(i / 3)
            let reading = detector.observe(i % 7 == 0 ? wild[i / 7 % wild.count] : value, at: time)
            #expect((0...1).contains(reading.score))
            #expect(reading.expected.isFinite && reading.low.isFinite && reading.high.isFinite)
        }
        #expect(try detector.restored() == detector)
    }

    @Test func `takes a value that comes late for what it is`() {
        var detector = SeriesDetector()
        _ = detector.readings(Made.noise(1000))
        _ = detector.observe(0, at: Made.time(500))
        #expect(detector.observe(0.2, at: Made.time(1000)).reason != "the value came after an unusual pause")
    }

    @Test func `believes a clock that was set back, and sees gaps again`() {
        var detector = SeriesDetector()
        _ = detector.readings(Made.noise(600), from: 100_000)
        _ = detector.readings(Made.noise(600, seed: 7), from: 0)
        #expect(detector.observe(0, at: Made.time(640)).score > 0.4)
    }

    @Test func `judges values without times`() {
        var detector = SeriesDetector()
        for value in Made.noise(1000) { _ = detector.observe(value, at: nil) }
        let reading = detector.observe(30, at: nil)
        #expect(reading.score > 0.8 && reading.isUnusual && reading.since == nil)
    }

    // MARK: What it says

    @Test func `says since when, of what kind, and how far from usual`() {
        var detector = SeriesDetector()
        _ = detector.readings(Made.noise(2000))
        #expect(detector.observe(0.3, at: Made.time(2000)).reason == nil)
        for number in 2001...2003 {
            let reading = detector.observe(40, at: Made.time(number))
            #expect(reading.since == Made.time(2001))
            #expect(reading.reason != nil && reading.deviations > 10)
        }
    }

    @Test func `reports what lasts once, and gets used to it`() {
        let readings = SeriesDetector.readings(Made.noise(6000) { $1 + ($0 < 2000 ? 0 : 20) })
        #expect(readings[2000].score > 0.8)
        #expect(readings[2001..<2020].allSatisfy { $0.isUnusual })
        #expect(readings[2100...].allSatisfy { $0.score < 0.8 })
        #expect(readings[5000...].allSatisfy { $0.low < 22 && $0.high > 18 })
    }

    @Test func `learns nothing when it must not`() {
        var detector = SeriesDetector()
        _ = detector.readings(Made.noise(2000))
        let (levels, records, season, band) = (detector.levels, detector.records, detector.season, detector.band)
        for number in 2000..<2200 { _ = detector.observe(50, at: Made.time(number), learning: false) }
        #expect(detector.levels == levels && detector.records == records && detector.season == season && detector.band == band)
        // What was not learned is as unusual the next time.
        for (i, value) in Made.noise(200, seed: 9).enumerated() {
            _ = detector.observe(value, at: Made.time(2200 + i), learning: false)
        }
        #expect(detector.observe(50, at: Made.time(2400)).score > 0.8)
    }

    @Test func `expects within its band what is usual`() {
        let values = Made.noise(6000) { 30 * sin(Double($0) * 2 * .pi / Double(Made.day)) + $1 }
        let readings = SeriesDetector.readings(values)
        let inside = (1000..<6000).count { readings[$0].low <= values[$0] && values[$0] <= readings[$0].high }
        #expect((4850...4990).contains(inside))
    }

    // MARK: Damage

    @Test func `refuses or survives a state that is damaged`() {
        var detector = SeriesDetector()
        _ = detector.readings(Made.noise(1500))
        let good = detector.state.bytes
        for i in stride(from: 0, to: good.count, by: 11) {
            var bad = good
            bad[i] ^= 0x81
            var reader = StateReader(Data(bad))
            guard var restored = try? SeriesDetector(from: &reader) else { continue }
            #expect(restored.readings(Made.noise(20)).allSatisfy { (0...1).contains($0.score) })
        }
        var short = StateReader(Data(good.dropLast()))
        #expect(throws: StateReader.Damaged.self) { try SeriesDetector(from: &short) }
    }
}
