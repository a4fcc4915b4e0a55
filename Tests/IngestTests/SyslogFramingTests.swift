import Columns
import TestSupport
import Testing

@testable import Ingest

struct `A connection of syslog` {
    private static func cut(_ pieces: [[UInt8]]) throws -> (lines: [String], cut: Int) {
        var framing = SyslogFraming(), lines: [UInt8] = []
        for piece in pieces { try framing.take(piece.span, into: &lines) }
        framing.finish(into: &lines)
        return (String(decoding: lines, as: UTF8.self).split(separator: "\n").map(String.init), framing.cut)
    }

    private static func counted(_ message: String) -> String { "\(message.utf8.count) \(message)" }

    private static let first = "<38>1 2026-11-28T00:00:00Z gate sshd 1 - [a b=\"c\"] Failed password"
    private static let old = "<38>Nov 28 00:00:00 gate sshd[1]: Invalid user a from 192.0.2.1"

    @Test(arguments: [
        (first + "\n" + old + "\n", [first, old]), (old, [old]), (old + "\r\n" + old + "\0\n", [old, old]),
        (counted(first) + counted(old), [first, old]),
        // Both forms on one connection, and a line end that was not counted.
        (counted(first) + "\n" + old + "\n" + counted(old), [first, old, old]),
        // What has line ends in it is one line all the same.
        (counted(first + "\n" + old), [first + "#012" + old]), (counted("a\0b\rc"), ["a#000b#015c"]),
        ("\n\n 0 x\n", ["0 x"]), ("", []),
    ])
    func `gives messages in both framings, however they come`(text: String, wanted: [String]) throws {
        let bytes = Array(text.utf8)
        #expect(try Self.cut([bytes]).lines == wanted)
        #expect(try Self.cut(bytes.map { [$0] }).lines == wanted)
        var random = SplitMix64(seed: 7)
        #expect(try Self.cut(Self.pieces(of: bytes, &random)).lines == wanted)
    }

    private static func pieces(of bytes: [UInt8], _ random: inout SplitMix64) -> [[UInt8]] {
        var pieces: [[UInt8]] = [], rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...20, using: &random)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    @Test func `cuts a message that is too long, and goes on behind it`() throws {
        let most = "<1>" + String(repeating: "x", count: SyslogFraming.maxLength - 3)
        let long = most + String(repeating: "y", count: 200_000)
        for text in [long + "\n" + Self.old, Self.counted(long) + Self.counted(Self.old)] {
            let bytes = Array(text.utf8)
            for pieces in [[bytes], [Array(bytes[..<70_000]), Array(bytes[70_000...])]] {
                let found = try Self.cut(pieces)
                #expect(found.lines == [most, Self.old] && found.cut == 1)
            }
        }
        #expect(try Self.cut([Array((most + "\n").utf8)]).cut == 0)
    }

    @Test(arguments: ["12x <38>", "12345678 a", "1\n"]) func `is given up where a length is not a number`(text: String) {
        #expect(throws: SyslogFraming.Damaged.self) { try Self.cut([Array(text.utf8)]) }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `may send anything, and gives the same lines however it comes`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let usual: [UInt8] = [0, 10, 13, 32, 48, 49, 57, 60, 60]
        let bytes = (0..<500).map { _ in
            Bool.random(using: &random) ? usual.randomElement(using: &random)! : UInt8.random(in: 0...255, using: &random)
        }
        let whole = try? Self.cut([bytes]), pieces = try? Self.cut(Self.pieces(of: bytes, &random))
        #expect(whole?.lines == pieces?.lines && whole?.cut == pieces?.cut)
    }
}

struct `Lines that come through a pipe` {
    private static func cut(_ pieces: [[UInt8]]) -> (lines: [[UInt8]], cut: Int) {
        var cutter = PipeCutter(), all: [UInt8] = []
        for piece in pieces {
            var lines: [UInt8] = []
            cutter.take(piece, into: &lines)
            #expect(lines.isEmpty || lines.last == 10)
            all += lines
        }
        var lines: [UInt8] = []
        cutter.finish(into: &lines)
        all += lines
        return (all.split(separator: 10).map(Array.init), cutter.cut)
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>) func `are whole, however they come`(seed: UInt64) {
        var random = SplitMix64(seed: seed), pieces: [[UInt8]] = []
        for _ in 0..<20 {
            pieces.append(
                (0..<Int.random(in: 1...40, using: &random)).map { _ in
                    Int.random(in: 0..<12, using: &random) == 0 ? 10 : UInt8.random(in: 65...90, using: &random)
                })
        }
        #expect(Self.cut(pieces).lines == pieces.flatMap(\.self).split(separator: 10).map(Array.init))
    }

    @Test func `are cut where they are longer than a line may be`() {
        let long = [UInt8](repeating: 65, count: 3 * PipeCutter.maxLine + 5) + [10, 66, 10]
        let pieces = stride(from: 0, to: long.count, by: PipeCutter.readBytes).map {
            Array(long[$0..<min(long.count, $0 + PipeCutter.readBytes)])
        }
        let found = Self.cut(pieces)
        #expect(found.cut == 3 && found.lines.last == [66])
        #expect(found.lines.dropLast().flatMap(\.self) == Array(long.dropLast(3)))
        #expect(found.lines.allSatisfy { $0.count <= PipeCutter.maxLine })
    }
}
