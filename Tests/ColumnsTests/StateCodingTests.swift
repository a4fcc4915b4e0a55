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

    @Test(arguments: [
        Value.null, .bool(true), .bool(false), .int(.min), .double(-0.5), .date(-1), .timestamp(Timestamp(microseconds: 1)),
        .text("Zürich"), .text(""), .binary([0, 7, 255]), .binary([]),
    ])
    func `has a value of each type, and after it comes the next`(_ value: Value) throws {
        var writer = StateWriter()
        writer.write(value)
        writer.write(value)
        writer.write(42)
        var reader = StateReader(writer.data)
        #expect(try reader.value() == value)
        #expect(try reader.value() == value)
        #expect(try reader.int() == 42)
        #expect(reader.isAtEnd)
    }

    @Test func `is refused where a number has no end`() {
        for bytes in [[], [0x80], Array(repeating: UInt8(0xFF), count: 20)] as [[UInt8]] {
            var reader = StateReader(.init(bytes))
            #expect(throws: StateReader.Damaged.self) { try reader.compactInt64() }
        }
    }
}
