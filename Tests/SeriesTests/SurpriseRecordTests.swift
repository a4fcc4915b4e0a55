import Columns
import Testing

@testable import Series

struct `A record of surprises` {
    @Test func `is the greatest of its stretch, forgotten at most a 64th of it too early`() {
        var random = SplitMix64(seed: 5), record = SurpriseRecord(), all: [Float] = []
        for number in 0..<5000 {
            let surprise = Double.random(in: 0..<10, using: &random)
            all.append(Float(surprise))
            record.observe(surprise, number: number, stretch: 640, limit: .infinity)
            let stretch = all.suffix(640).max()!, sure = all.suffix(629).max()!
            #expect((Double(sure)...Double(stretch)).contains(record.greatest!))
            #expect(record.entries.count <= 65)
        }
    }

    @Test func `is raised by one value by no more than its limit`() {
        var record = SurpriseRecord()
        record.observe(1, number: 0, stretch: 100, limit: .infinity)
        record.observe(50, number: 1, stretch: 100, limit: 2)
        #expect(record.greatest == 2)
    }

    @Test(
        arguments: [
            [(0, 1.0), (1, 2)], [(1, 2), (1, 1)], [(-1, 1)], [(0, .infinity)],
        ] as [[(Int, Float)]])
    func `is not made of entries that cannot be`(entries: [(Int, Float)]) {
        #expect(SurpriseRecord(entries: entries.map { .init(number: $0.0, surprise: $0.1) }) == nil)
    }
}
