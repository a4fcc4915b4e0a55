import Columns
import Foundation
import Testing

struct `State as bytes` {
    @Test func `has whole numbers of any size, the small ones in a byte`() throws {
        var random = SplitMix64(seed: 11)
        let edges: [Int64] = [0, 1, -1, 63, 64, -64, -65, 1 << 31, .max, .min]
        let numbers = edges + (0..<1000).map { _ in Int64(bitPattern: random.next()) >> Int64.random(in: 0..<64, using: &random) }
        var writer = StateWriter()
        for number in numbers { writer.write(compact: number) }
        var reader = StateReader(writer.data)
        for number in numbers { #expect(try reader.compactInt64() == number) }
        #expect(reader.isAtEnd)
        var small = StateWriter()
        for number in -64..<64 { small.write(compact: Int64(number)) }
        #expect(small.bytes.count == 128)
    }

    @Test func `is refused where a number has no end`() {
        for bytes in [[], [0x80], Array(repeating: UInt8(0xFF), count: 20)] as [[UInt8]] {
            var reader = StateReader(.init(bytes))
            #expect(throws: StateReader.Damaged.self) { try reader.compactInt64() }
        }
    }
}
