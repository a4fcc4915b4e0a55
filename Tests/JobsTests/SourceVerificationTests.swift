import Columns
import Foundation
import Ingest
import Lake
import Parsing
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

struct `Counting the lines of a source` {
    private let folder = TemporaryFolder()
    private var lake: Lake { Lake(root: folder.path + "/lake") }
    private var log: String { folder.path + "/auth.log" }

    private func write(_ lines: ClosedRange<Int>, to name: String = "auth.log", text: String = "line") throws {
        let bytes = Data(lines.map { "\(text) \($0)\n" }.joined().utf8)
        try bytes.write(to: URL(filePath: folder.path + "/" + name))
        // Rotated an hour apart: two files of one tick of the clock have no order.
        let hours = Double(Int(name.utf8.last!) - 48)
        guard (0..<10).contains(hours) else { return }
        try FileManager.default.setAttributes(
            [.modificationDate: Date.now.addingTimeInterval(-3600 * hours)], ofItemAtPath: folder.path + "/" + name)
    }

    /// Puts lines of a file into bronze, as the source `auth` would have read them from its path.
    private func store(_ name: String = "auth.log", lines: ClosedRange<Int>, source: String = "auth") throws {
        var reader = try TextLines(path: folder.path + "/" + name)
        var builder = RawLinesBuilder(), number = 0
        while let batch = try reader.next() {
            for row in 0..<batch.count {
                number += 1
                guard lines.contains(number) else { continue }
                batch["line"]!.withBytes(at: row) {
                    builder.append($0, offset: batch["offset"]!.integer(at: row)!, source: source, file: log, arrival: .now)
                }
            }
        }
        let table = try lake.table("bronze.ssh", creating: RawLines.schema)
        let writer = table.writer()
        try writer.append(builder.finish())
        try table.commit(adding: writer.finish())
    }

    private func verify(_ entry: Configuration.SourceEntry? = nil) throws -> SourceVerification {
        try SourceVerification(entry ?? .init(name: "auth", file: log), Configuration(), lake: lake)
    }

    @Test func `is clean where every line of every generation is there once, compressed ones too`() throws {
        try write(1...50, to: "auth.log.2", text: "oldest")
        try write(1...40, to: "auth.log.1", text: "older")
        try write(1...30)
        for name in ["auth.log.2", "auth.log.1", "auth.log"] { try store(name, lines: 1...50) }
        try run("gzip", [folder.path + "/auth.log.2"])
        let verification = try verify()
        #expect(verification.isClean && verification.runs.isEmpty)
        #expect(verification.files.map(\.lines) == [50, 40, 30] && verification.files.map(\.found) == [50, 40, 30])
        #expect(verification.sentences[0].hasPrefix("120 lines in 3 files: every line is in bronze once"))
    }

    @Test func `names a gap by file, line and byte`() throws {
        try write(1...200, to: "auth.log.1", text: "older")
        try write(1...20)
        try store("auth.log.1", lines: 1...119)
        try store("auth.log.1", lines: 181...200)
        try store(lines: 1...20)
        let verification = try verify()
        #expect(!verification.isClean && verification.missingLines == 61)
        let from = (1...119).reduce(0) { $0 + "older \($1)\n".utf8.count },
            to = (1...180).reduce(0) { $0 + "older \($1)\n".utf8.count }
        #expect(
            verification.runs.map(\.sentence) == [
                "lines 120–180, bytes \(from)–\(to), of \(log).1 are in no table"
            ])
    }

    @Test func `names what the source has brought twice, but not what another has brought too`() throws {
        try write(1...20)
        try store(lines: 1...20)
        try store(lines: 1...20, source: "files")
        #expect(try verify().isClean)
        try store(lines: 5...6)
        let verification = try verify()
        #expect(verification.duplicateLines == 2 && verification.runs.map(\.lines) == [5...6])
        #expect(verification.runs[0].kind == .duplicate && verification.missingLines == 0)
    }

    @Test func `takes what another has read of the same file for read`() throws {
        try write(1...20)
        try store(lines: 1...15, source: "files-1")
        try store(lines: 16...20)
        #expect(try verify().isClean)
    }

    @Test func `does not call a line doubled that every generation begins with`() throws {
        for (name, text) in [("gone", "third"), ("auth.log.1", "second"), ("auth.log", "first")] {
            let lines = ["# log begins"] + (1...5).map { "\(text) \($0)" }
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: folder.path + "/" + name))
            try store(name, lines: 1...6)
        }
        try FileManager.default.removeItem(atPath: folder.path + "/gone")
        #expect(try verify().isClean)
    }

    @Test func `waits for the end of the file that is followed`() throws {
        try write(1...20)
        try store(lines: 1...12)
        let verification = try verify()
        #expect(verification.isClean && verification.files.map(\.pending) == [8])
    }

    @Test func `finds everything missing where nothing was read`() throws {
        try write(1...20)
        let verification = try verify()
        #expect(verification.missingLines == 20 && verification.runs.map(\.lines) == [1...20])
    }

    @Test func `passes over files of before the source, and what retention has removed`() throws {
        try write(1...10, to: "auth.log.2", text: "oldest")
        try write(1...10, to: "auth.log.1", text: "older")
        for (name, hours) in [("auth.log.2", 48), ("auth.log.1", 24)] {
            try FileManager.default.setAttributes(
                [.modificationDate: Date.now.addingTimeInterval(-3600.0 * Double(hours))], ofItemAtPath: folder.path + "/" + name)
        }
        try write(1...10)
        try store("auth.log.1", lines: 4...10)
        try store(lines: 1...10)
        let before = try verify()
        #expect(before.files.map(\.older) == [10, 0, 0] && before.missingLines == 3)
        // The same rows, of a table from which older ones were removed.
        try write(1...9, to: "auth.log.3", text: "removed")
        let policy = try JSONDecoder().decode(
            RetentionPolicy.self, from: Data(#"{"tables":[{"table":"bronze","max_age":"1m"}]}"#.utf8))
        #expect(try Retention(policy) { nil }.round(lake, now: .now + .seconds(600)).removals.count == 1)
        try store("auth.log.1", lines: 4...10)
        try store(lines: 1...10)
        try FileManager.default.removeItem(atPath: folder.path + "/auth.log.3")
        let after = try verify()
        #expect(after.isClean && after.files.map(\.removed) == [10, 3, 0])
    }

    @Test func `counts a file once that several names of a pattern lead to`() throws {
        try write(1...10, to: "auth.log.1", text: "older")
        try write(1...10)
        try store("auth.log.1", lines: 1...10)
        try store(lines: 1...10)
        let verification = try verify(.init(name: "auth", file: folder.path + "/auth.log*"))
        #expect(verification.isClean && verification.files.count == 2)
    }

    @Test func `refuses a source without files`() {
        #expect(throws: UsageError.self) { try verify(.init(name: "pages", settings: .folder(folder.path))) }
    }

    /// The table of keys grows many times, and forgets nothing.
    @Test func `finds each of many lines again`() {
        var tally = LineTally()
        var random = SplitMix64(seed: 7)
        let keys = (0..<20_000).map { _ in UInt64.random(in: 0 ... .max, using: &random) & ~0xFFF }
        for key in keys + keys.prefix(10) { tally.add(key) }
        for (index, key) in keys.enumerated() where index % 3 > 0 { tally.count(key, isOwn: true) }
        for key in keys.prefix(5) { tally.count(key, isOwn: true) }
        #expect(keys.indices.allSatisfy { tally.isPresent($0) == ($0 % 3 > 0 || $0 < 5) })
        #expect(keys.indices.filter(tally.isDuplicate).isEmpty, "two files have the first ten lines")
        tally.count(keys[1], isOwn: true)
        #expect(tally.isDuplicate(1) && tally.isDuplicate(20_001) && !tally.isDuplicate(2))
    }
}
