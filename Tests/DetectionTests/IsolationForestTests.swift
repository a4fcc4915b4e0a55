import Columns
import Foundation
import Testing

@testable import Detection

struct `An isolation forest` {
    private func rows() -> [[Double]] {
        var random = SplitMix64(seed: 3)
        return (0..<500).map { _ in [Double.random(in: 0...1, using: &random), Double.random(in: 0...1, using: &random), 5] }
    }

    @Test func `gives very many rows, on all cores, the scores that each has alone`() {
        var random = SplitMix64(seed: 4)
        let rows = (0..<40_000).map { _ in Double.random(in: 0...1, using: &random) }
        let forest = IsolationForest(training: rows, featureCount: 2, options: .init(seed: 1, trees: 2))
        let scores = forest.scores(rows)
        #expect(scores.count == 20_000)
        for row in stride(from: 0, to: 20_000, by: 97) {
            #expect(forest.score([rows[2 * row], rows[2 * row + 1]]) == scores[row])
        }
        #expect(forest.scores([]).isEmpty)
    }

    @Test func `scores a row apart far above the others, and says which feature it is`() {
        let forest = IsolationForest(training: rows())
        #expect(forest.score([0.5, 9, 5]) > forest.score([0.5, 0.5, 5]) + 0.1)
        let shares = forest.shares([0.5, 9, 5])
        #expect(shares[1] > 0.7)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
        #expect(shares[2] == 0)
    }

    @Test func `scores rows together as it scores them one by one`() {
        let forest = IsolationForest(training: rows())
        #expect(forest.scores(rows().flatMap(\.self)) == rows().map(forest.score))
    }

    @Test func `refuses a file whose trees lead nowhere`() throws {
        let text = String(decoding: try JSONEncoder().encode(IsolationForest(training: rows())), as: UTF8.self)
        let bent = text.replacing(/"right":\[\d+,/, with: "\"right\":[99999,")
        #expect(bent != text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(IsolationForest.self, from: Data(bent.utf8)) }
    }

    @Test func `is the same for the same seed, and through its file`() throws {
        let forest = IsolationForest(training: rows())
        #expect(forest == IsolationForest(training: rows()))
        let file = try JSONEncoder().encode(forest)
        let read = try JSONDecoder().decode(IsolationForest.self, from: file)
        #expect(read == forest)
        #expect(read.score([0.5, 9, 5]) == forest.score([0.5, 9, 5]))
        var other = IsolationForest.Options()
        other.seed = 2
        #expect(forest != IsolationForest(training: rows(), options: other))
    }
}
