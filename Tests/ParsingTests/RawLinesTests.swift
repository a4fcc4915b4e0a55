import Columns
import Testing

@testable import Parsing

struct `Raw lines` {
    private static func lines(_ batch: Batch) -> [[Value]] { (0..<batch.count).map(batch.row) }

    /// What a block is, line by line: the text without its end and without NULs before it, and where it begins.
    private static func split(_ block: [UInt8]) -> [(start: Int, text: ArraySlice<UInt8>)] {
        var found: [(Int, ArraySlice<UInt8>)] = []
        var start = 0
        while start < block.count {
            let end = block[start...].firstIndex(of: UInt8(ascii: "\n")) ?? block.count
            var text = block[start..<end]
            if text.last == UInt8(ascii: "\r") { text.removeLast() }
            // NULs before a line are passed over, and so is a line of nothing else.
            let kept = text.drop { $0 == 0 }
            if !kept.isEmpty || text.isEmpty { found.append((kept.startIndex, kept)) }
            start = end + 1
        }
        return found
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `of a block are those that it has one by one, whatever its bytes are`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces: [[UInt8]] = [
            Array("Dec 10 06:55:46 gate sshd[1]: x".utf8), [10], [13, 10], [13], [], Array("ü😀".utf8), [0xC3], [0xFF, 0x80], [0],
        ]
        var whole = RawLinesBuilder(), single = RawLinesBuilder()
        var offset: Int64 = 0
        let time = Timestamp(seconds: 1_700_000_000)
        // Some seeds have no damaged bytes at all.
        let usable = seed.isMultiple(of: 3) ? 6 : pieces.count
        for number in 0..<4 {
            let block = (0..<Int.random(in: 0...40, using: &random)).flatMap { _ in
                pieces[Int.random(in: 0..<usable, using: &random)]
            }
            let file = "file\(number / 2)"
            let expected = Self.split(block)
            let count = whole.append(linesOf: block.span, offset: offset, source: "s", file: file, arrival: time)
            #expect(count == expected.count)
            for (start, text) in expected {
                single.append(Array(text).span, offset: offset + Int64(start), source: "s", file: file, arrival: time)
            }
            offset += Int64(block.count)
        }
        #expect(Self.lines(whole.finish()) == Self.lines(single.finish()))
    }
}
