import Foundation
import TestSupport
import Testing

@testable import Jobs

/// `obs model score --csv` without a model.
struct `Scores of a table without a model` {
    private let folder = TemporaryFolder()

    private func scores(_ text: String, algorithm: String = "ensemble") throws -> [Double] {
        let path = folder.path + "/rows.csv"
        try Data(text.utf8).write(to: URL(filePath: path))
        return try RiskModels.anomalyScores(csv: path, algorithm: algorithm, seed: 1, trees: 20)
    }

    private var rows: String { (0..<200).map { "\($0 % 7),\($0 % 3 == 0 ? "a" : "b"),5,\($0 % 2)\n" }.joined() }

    @Test(arguments: ["ensemble", "forest"])
    func `put the odd row first, whatever constants, texts and gaps are beside it`(algorithm: String) throws {
        let found = try scores("n,kind,same,flag\n\(rows)900,a,5,1\n,b,5,0\n", algorithm: algorithm)
        let isFinite = found.allSatisfy(\.isFinite)
        #expect(found.count == 202 && isFinite)
        #expect(found.indices.max { found[$0] < found[$1] } == 200)
    }

    @Test(arguments: [
        "", "\n", "a,b\n", "a\nx\ny\n", "a,b\n1\n2,3\n", "a,a\n1,2\n3,4\n", "\u{0}\u{1},\u{feff}\n1,2\n", "a\n\"1\n2",
    ]) func `are scores or one sentence for a file of any kind`(text: String) {
        do {
            let isFinite = try scores(text).allSatisfy(\.isFinite)
            #expect(isFinite)
        } catch {
            let sentence = "\(error)"
            #expect(sentence.contains(folder.path) || sentence.contains("column"), "it says where")
            #expect(!sentence.contains("\n"))
        }
    }

    @Test func `are finite for numbers of any size`() throws {
        let isFinite = try scores("a,b\n1e308,1\n-1e308,2\n5e-324,3\n0,4\n1,5\n").allSatisfy(\.isFinite)
        #expect(isFinite)
    }

    @Test func `need an algorithm that is known`() {
        #expect(throws: (any Error).self) { try scores("a\n1\n2\n", algorithm: "oracle") }
    }
}
