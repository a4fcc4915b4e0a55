import Columns
import Foundation
import Testing

@testable import Detection

struct `A series detector` {
    private func scores(_ values: [Double]) -> [Double] {
        var detector = SeriesDetector()
        return values.map { detector.observe($0) }
    }

    private func noise(_ count: Int, seed: UInt64 = 1) -> [Double] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in 100 + Double.random(in: -5...5, using: &random) }
    }

    @Test func `is calm where nothing happens, and notices a spike at once`() {
        var values = noise(1000)
        values[800] = 200
        let scores = scores(values)
        #expect(scores[800] > 0.6 && scores[800] > scores[400..<800].max()! + 0.05)
        #expect((0...1).contains(scores.max()!) && scores.min()! >= 0)
    }

    @Test func `notices a level that shifts and stays, and gets used to it`() {
        let values = noise(800) + noise(2000, seed: 2).map { $0 + 40 }
        let scores = scores(values)
        #expect(scores[800] > scores[400..<800].max()! + 0.05)
        #expect(scores[2500...].max()! < scores[800])
    }

    @Test func `asks more of a noisy series than of a calm one`() {
        var random = SplitMix64(seed: 3)
        var calm = noise(800), noisy = (0..<800).map { _ in 100 + Double.random(in: -50...50, using: &random) }
        calm.append(130)
        noisy.append(130)
        #expect(scores(calm).last! > scores(noisy).last! + 0.05)
    }

    @Test func `looks only at what came before`() {
        let values = noise(600)
        let whole = scores(values + [1e9, -1e9])
        #expect(Array(whole.prefix(600)) == scores(values))
    }

    @Test func `says nothing of what is no number, and forgets it`() {
        let values = noise(400)
        let plain = scores(values)
        var detector = SeriesDetector()
        let mixed = values.flatMap { [detector.observe($0), detector.observe(.nan), detector.observe(.infinity)] }
        #expect(stride(from: 0, to: mixed.count, by: 3).map { mixed[$0] } == plain)
        #expect(stride(from: 1, to: mixed.count, by: 3).allSatisfy { mixed[$0] == 0 })
    }

    @Test func `goes on from its saved state as if nothing had been`() throws {
        let values = noise(500)
        var first = SeriesDetector()
        for value in values.prefix(300) { _ = first.observe(value) }
        var second = try JSONDecoder().decode(SeriesDetector.self, from: JSONEncoder().encode(first))
        #expect(values.suffix(200).map { first.observe($0) } == values.suffix(200).map { second.observe($0) })
    }

    @Test func `stays finite on a constant series and on huge values`() {
        #expect(scores([Double](repeating: 7, count: 500)).allSatisfy { $0 == 0 })
        #expect(scores((0..<500).map { $0 % 2 == 0 ? 1e300 : -1e300 }).allSatisfy { (0...1).contains($0) })
    }
}
