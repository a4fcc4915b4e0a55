import Columns
import Foundation
import Testing

@testable import Detection

struct `A set of lines` {
    private func lines(_ offsets: some Sequence<Int>, count: Int = 1) -> LineSet {
        var set = LineSet()
        for offset in offsets { set.insert(LineSet.name(text: UInt64(offset * 97)), count: count) }
        return set
    }

    @Test func `counts each line once, with what it stands for, however often and in whatever order it comes`() {
        let set = lines((0..<500).shuffled() + Array(0..<500))
        #expect(set.count == 500 && set.isExact)
        #expect(lines(0..<10, count: 5).count == 50)
        #expect(set == lines(0..<500))
    }

    @Test(arguments: [(0..<300, 200..<500), (0..<10, 0..<10), (0..<0, 5..<9), (0..<1000, 1000..<1020)])
    func `is united exactly while it is small`(left: Range<Int>, right: Range<Int>) {
        var union = lines(left)
        union.formUnion(lines(right))
        #expect(union == lines(Set(left).union(right)))
        #expect(union.count == Set(left).union(right).count)
    }

    @Test func `estimates beyond its bound, united or not, and stays within it`() {
        for count in [1025, 5000, 200_000] {
            let whole = lines(0..<count)
            var united = lines(0..<(count * 2 / 3))
            united.formUnion(lines((count / 3)..<count))
            for set in [whole, united] {
                #expect(!set.isExact && abs(set.count - count) < count / 8, "\(count): \(set.count)")
                #expect(set.bytes.count <= 1 + LineSet.limit * 5)
            }
        }
    }

    @Test func `is read back from its bytes, and refused when they are damaged`() {
        for set in [LineSet(), lines(0..<7), lines(0..<3, count: 300), lines(0..<4000)] {
            #expect(LineSet(bytes: set.bytes.span) == set)
        }
        #expect(LineSet(bytes: [UInt8]().span) == nil)
        let good = lines(0..<40).bytes
        var random = SplitMix64(seed: 9)
        for _ in 0..<2000 {
            var bad = Array(good.prefix(Int.random(in: 0...good.count, using: &random)))
            if !bad.isEmpty { bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
            if let read = LineSet(bytes: bad.span) { #expect(read.count >= 0) }
        }
    }
}
