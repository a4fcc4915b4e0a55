import Foundation
import TestSupport
import Testing

/// Cases that Spark answered when they were made: `Peers/spark_cases.py` made ours (`make cases`).
struct `SparkConformanceCases` {
    static let cases: [SparkCase] = caseFiles("streaming/cases.json").flatMap { file in
        try! JSONDecoder().decode([SparkCase].self, from: Data(contentsOf: file))
    }

    @Test(arguments: cases)
    func `obs gives what Spark gives, in the same micro-batch`(example: SparkCase) throws { try example.check() }
}

/// Cases that are made up now, and given to the Spark of this machine.
@Suite(.enabled(if: hasSpark, "there is no Python with pyspark (OBS_PEERS_PYTHON), or no Java"))
struct `Beside Spark` {
    /// `OBS_SPARK_CASES` says how many, `OBS_SEED` which.
    @Test func `obs gives what Spark gives, in the same micro-batch`() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["OBS_SPARK_CASES"].flatMap(Int.init) ?? 6
        let seed = environment["OBS_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...999_999)
        let folder = TemporaryFolder(), file = folder.path + "/cases.json"
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/spark_cases.py").path
        let made = try output(of: peersPython, [script, "\(seed)", "\(count)", file])
        try #require(made.status == 0, "seed \(seed): \(made.text)")
        let cases = try JSONDecoder().decode([SparkCase].self, from: Data(contentsOf: URL(filePath: file)))
        #expect(cases.count == count)
        for example in cases { try example.check() }
    }
}

private let hasSpark = peersPython(has: "pyspark") && ((try? output(of: "java", ["-version"]))?.status == 0)
