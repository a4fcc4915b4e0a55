import Columns
import Foundation
import Testing

@testable import Detection

struct `The ensemble of detectors` {
    /// Usual rows around the origin, each feature twice the one before with some noise, and odd ones behind them.
    private func table(_ count: Int, width: Int, odd: [[Double]] = []) -> [Double] {
        var random = SplitMix64(seed: 3)
        let usual = (0..<count).flatMap { _ in
            let base = random.normalPair().0
            return (0..<width).map { base * Double($0 + 1) + 0.2 * random.normalPair().0 }
        }
        return usual + odd.flatMap(\.self)
    }

    /// How many of the last `count` rows have one of the `count` highest scores.
    private func found(_ scores: [Double], last count: Int) -> Int {
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        return order.prefix(count).count { $0 >= scores.count - count }
    }

    @Test(arguments: [
        ("far in one feature", [[0, 0, 0, 40], [0, -25, 0, 0], [90, 0, 0, 0]]),
        ("a group apart", [[12, 12, 12, 12], [12.1, 12, 12, 12], [12, 12.2, 12, 12.1]]),
        ("each feature usual, together not", [[1.5, -3, 4.5, -6], [-1.5, 3, -4.5, 6], [1.4, -2.8, -4.2, 5.6]]),
    ]) func `ranks rows apart first`(_ what: String, odd: [[Double]]) {
        let rows = table(600, width: 4, odd: odd)
        let scores = RowDetector(training: rows, featureCount: 4).deviations(rows)
        #expect(found(scores, last: 3) == 3, "\(what)")
        #expect(scores.suffix(3).allSatisfy { $0 > 2.5 })
        #expect(abs(scores.sorted()[scores.count / 2]) < 0.1, "half of the rows are below 0")
    }

    @Test func `is not blinded by two hundred constant features and rare flags`() {
        var random = SplitMix64(seed: 9)
        let width = 230
        var rows = (0..<800).flatMap { _ in
            (0..<width).map { feature in
                feature < 200 ? 7 : feature < 225 ? (random.unit() < 0.3 ? 1.0 : 0) : random.normalPair().0
            }
        }
        for odd in 0..<4 { rows += (0..<width).map { $0 < 200 ? 7 : $0 < 225 ? 0 : $0 == 225 + odd ? 15 : -6 } }
        let detector = RowDetector(training: rows, featureCount: width)
        let scores = detector.deviations(rows)
        #expect(found(scores, last: 4) == 4)
        var broken = Array(rows[..<width])
        broken[17] = 8
        #expect(detector.deviations(broken)[0] > scores[0] + 2.9, "what never varied has varied")
        let shares = detector.shares(broken)
        #expect(shares.firstIndex(of: shares.max() ?? 0) == 17)
    }

    @Test func `says which features set a row apart`() {
        let detector = RowDetector(training: table(600, width: 4), featureCount: 4)
        let shares = detector.shares([0, 0, 60, 0])
        let sum = shares.reduce(0, +)
        #expect(shares[2] > 0.6 && abs(sum - 1) < 1e-6 && shares.allSatisfy { $0 >= 0 })
        let usual = detector.shares([0, 0, 0, 0]).reduce(0, +)
        #expect(abs(usual - 1) < 1e-6)
    }

    @Test func `scores a row alike alone and among others, and with the same seed`() {
        let rows = table(300, width: 5), detector = RowDetector(training: rows, featureCount: 5)
        let scores = detector.deviations(rows)
        #expect(RowDetector(training: rows, featureCount: 5) == detector)
        for row in [0, 63, 64, 299] { #expect(detector.deviations(Array(rows[row * 5..<(row + 1) * 5])) == [scores[row]]) }
        #expect(RowDetector(training: rows, featureCount: 5, options: .init(seed: 2, trees: 100)) != detector)
    }

    private static let odd: [Double] = [1e308, -1e308, 0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 1]

    private static let tables: [(String, [Double], Int)] = [
        ("one row", [1, 2], 2),
        ("two rows", [1, 2, 3, 4], 2),
        ("all alike", [Double](repeating: 4, count: 300), 3),
        ("missing", [Double](repeating: .nan, count: 60), 2),
        ("infinite", [Double](repeating: .infinity, count: 60), 2),
        ("of all sizes", (0..<300).map { odd[$0 % 8] }, 3),
        ("tiny", (0..<400).map { .leastNonzeroMagnitude * Double($0) }, 2),
        ("huge", (0..<400).map { 1e305 * Double($0) }, 2),
    ]

    @Test(arguments: tables) func `gives finite scores for any numbers`(_ what: String, rows: [Double], width: Int) {
        let detector = RowDetector(training: rows, featureCount: width, options: .init(seed: 1, trees: 10))
        let hostile = Self.odd.flatMap { [Double](repeating: $0, count: width) }
        for table in [rows, hostile] {
            let isFinite = detector.deviations(table).allSatisfy(\.isFinite)
            #expect(isFinite, "\(what)")
        }
        for start in stride(from: 0, to: hostile.count, by: width) {
            let shares = detector.shares(Array(hostile[start..<start + width]))
            let sum = shares.reduce(0, +)
            #expect(shares.allSatisfy { $0 >= 0 } && abs(sum - 1) < 1e-6, "\(what)")
        }
    }

    @Test func `puts an infinite value above every other, and a missing one with the usual`() {
        let detector = RowDetector(training: table(500, width: 3), featureCount: 3)
        let scores = detector.deviations([0, 0, .infinity, 0, 0, 1e200, 0, 0, 50, 0, 0, .nan, 0, 0, 0])
        #expect(scores[0] >= scores[1] && scores[1] > scores[2] && scores[2] > scores[3])
        #expect(abs(scores[3] - scores[4]) < 0.5)
    }

    @Test func `is the same through its file`() throws {
        let rows = table(400, width: 6), detector = RowDetector(training: rows, featureCount: 6)
        let read = try JSONDecoder().decode(RowDetector.self, from: JSONEncoder().encode(detector))
        #expect(read == detector && read.deviations(rows) == detector.deviations(rows))
    }

    /// Where in the file something is changed, and into what.
    private static let bends: [(path: [String], value: any Sendable)] = [
        (["scale", "featureCount"], 2), (["scale", "kept"], [0, 1, 9]), (["scale", "medians"], [0.0]),
        (["scale", "spreads"], [1.0, 0.0, 1.0]), (["forest", "depth"], 60), (["forest", "depth"], 6), (["forest", "trees"], 4),
        (["forest", "width"], 4), (["forest", "firsts"], "f39/fw=="), (["covariance", "width"], 2),
        (
            ["covariance", "blocks"],
            [["features": [0, 1, 77], "middle": [0, 0, 0], "whitening": [0, 0, 0, 0, 0, 0, 0, 0, 0]]]
        ),
        (["neighbours", "width"], 7), (["neighbours", "references"], "AAAA"), (["standards"], [String]()),
        (["total", "scores"], [1.0, 0.0]), (["total", "slopeAbove"], -1),
    ]

    @Test(arguments: bends.indices) func `refuses a file whose parts lead nowhere`(_ index: Int) throws {
        let (path, value) = Self.bends[index]
        let detector = RowDetector(training: table(120, width: 3), featureCount: 3, options: .init(seed: 4, trees: 5))
        let file = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(detector)) as? [String: any Sendable])
        func read(_ file: [String: any Sendable]) throws -> RowDetector {
            try JSONDecoder().decode(RowDetector.self, from: JSONSerialization.data(withJSONObject: file))
        }
        #expect(throws: Never.self) { _ = try read(file) }
        var bent = file
        if path.count == 1 {
            try #require(file[path[0]] != nil)
            bent[path[0]] = value
        } else {
            var part = try #require(file[path[0]] as? [String: any Sendable])
            try #require(part[path[1]] != nil)
            part[path[1]] = value
            bent[path[0]] = part
        }
        // Without the detector that is read in its message.
        #expect(throws: DecodingError.self) { _ = try read(bent) }
    }

    @Test func `refuses trees that cut a feature which no row has`() throws {
        let detector = RowDetector(training: table(120, width: 3), featureCount: 3, options: .init(seed: 4, trees: 5))
        let text = String(decoding: try JSONEncoder().encode(detector), as: UTF8.self)
        let firsts = try #require(text.firstRange(of: #""firsts":""#)).upperBound
        // The first four digits hold the first number's first three bytes: 0x7f is a feature beyond the three.
        let end = text.index(firsts, offsetBy: 4)
        let bent = text.replacingCharacters(in: firsts..<end, with: "fwAA")
        #expect(bent != text && bent.count == text.count)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(RowDetector.self, from: Data(bent.utf8)) }
    }
}
