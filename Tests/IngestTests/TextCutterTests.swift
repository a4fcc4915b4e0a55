import Columns
import Foundation
import Parsing
import Telemetry
import TestSupport
import Testing

@testable import Ingest

struct `A text that is cut into lines` {
    private static let metrics = SourceMetrics(MetricsRegistry(), source: "")

    /// What a batch or a pipe makes of the bytes, however they come.
    private func cut(_ bytes: [UInt8], pieces: [Int]) -> [String] {
        var cutter = TextCutter(), progress = TextProgress(path: "", FileIdentity(device: 0, inode: 0)), lines: [String] = []
        var start = 0
        for piece in pieces + [0] {
            let end = min(bytes.count, start + piece)
            if piece > 0, start == end { continue }
            cutter.add(Array(bytes[start..<end]))
            start = end
            while let block = cutter.next(behind: progress.position, takesEnd: true) {
                lines += self.lines(block)
                progress.advance(by: block)
                cutter.advance(by: block)
            }
        }
        return lines
    }

    /// What a follower makes of them: it sees what is there so far.
    private func follow(_ bytes: [UInt8], pieces: [Int]) throws -> [String] {
        let folder = TemporaryFolder(), path = folder.path + "/log"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let writer = try FileHandle(forWritingTo: URL(filePath: path))
        var tracked = try TrackedFile(OpenFile(path: path)!, path: path), lines: [String] = []
        var start = 0
        for piece in pieces + [0] {
            let end = min(bytes.count, start + piece)
            try writer.write(contentsOf: bytes[start..<end])
            start = end
            while let block = try tracked.nextBlock(isEnd: piece == 0) {
                lines += self.lines(block)
                try tracked.advance(by: block)
                // A restart at any place goes on as if there had been none.
                let coded = try JSONDecoder().decode(FilePosition.self, from: JSONEncoder().encode(tracked.position))
                tracked = try TrackedFile(tracked.file, path: path, position: coded)
                #expect(try tracked.isUnchanged())
            }
        }
        return lines
    }

    private func lines(_ block: LineBlock) -> [String] {
        var builder = RawLinesBuilder()
        _ = block.append(to: &builder, source: "", file: "", arrival: Timestamp(microseconds: 0), Self.metrics)
        let batch = builder.finish()
        return (0..<batch.count).map { batch["line"]!.string(at: $0)! }
    }

    private static let forged = "Nov 26 10:00:02 gate sshd[7]: Accepted password for root from 203.0.113.5 port 1 ssh2"

    @Test(arguments: [0, 29, 30, 1 << 19, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 21) - 1, 1 << 21, (1 << 21) + 1, 5 << 20])
    func `has no piece of a line that is too long which could be taken for a line`(length: Int) throws {
        for (filler, end) in [(UInt8(ascii: "A"), "\n"), (0x0D, "\r\n"), (0, "\n")] {
            let start = Array("Nov 26 10:00:01 gate app[1]: ".utf8)
            let text =
                start + [UInt8](repeating: filler, count: length) + Array((Self.forged + end + "next\n").utf8)
            let whole = cut(text, pieces: Array(repeating: LineBlock.size, count: 8))
            #expect(whole.last == "next")
            if start.count + length + Self.forged.utf8.count >= RawLines.maxLineLength {
                #expect(whole.dropLast().allSatisfy { $0.utf8.count >= RawLines.maxLineLength }, "\(whole.map(\.utf8.count))")
            } else {
                #expect(whole.count == 2)
            }
            #expect(whole.map(\.utf8.count).max()! <= LineBlock.window)
            // It does not matter how the bytes came.
            #expect(cut(text, pieces: [7, 1 << 20, 999, 1 << 16] + Array(repeating: 700_001, count: 12)) == whole)
            #expect(try follow(text, pieces: [1, 1 << 20, 3 << 20, 4 << 20]) == whole)
        }
    }

    @Test func `begins behind a byte order mark`() throws {
        let text = Array("\u{FEFF}one\n\u{FEFF}two\n".utf8)
        #expect(cut(text, pieces: [100]) == ["one", "\u{FEFF}two"])
        #expect(try follow(text, pieces: [100]) == ["one", "\u{FEFF}two"])
        #expect(cut(Array("\u{FEFF}".utf8), pieces: [3]) == [])
    }

    @Test func `has no NULs before its lines, however many`() throws {
        for count in [1, 4096, (1 << 20) - 2, 1 << 20, (5 << 20) + 3] {
            let hole = [UInt8](repeating: 0, count: count)
            let text = hole + Array("one\ntwo\n".utf8) + hole + Array("thr\0ee\n".utf8) + [0, 0, 10] + Array("\n".utf8)
            let expected = ["one", "two", "thr\0ee", ""]
            #expect(cut(text, pieces: [3, 1 << 20, 2 << 20, 20 << 20]) == expected)
            #expect(try follow(text, pieces: [2, 1 << 20, 2 << 20, 20 << 20]) == expected)
        }
    }

    @Test func `keeps a hole that its writer may still fill`() throws {
        let folder = TemporaryFolder(), path = folder.path + "/log"
        try Data(count: 100).write(to: URL(filePath: path))
        let tracked = try TrackedFile(OpenFile(path: path)!, path: path)
        #expect(try tracked.nextBlock(isEnd: false) == nil)
        try Data(Array("one\ntwo\n".utf8) + [UInt8](repeating: 0, count: 92)).write(to: URL(filePath: path), options: [])
        #expect(try tracked.nextBlock(isEnd: false).map(lines) == ["one", "two"])
    }
}
