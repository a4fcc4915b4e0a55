import Foundation
import Testing

@testable import Columns

/// Batches against what a plain array of rows does.
struct `A batch` {
    private static let schema = Schema([
        Field("flag", .bool, isNullable: true), Field("small", .int32, isNullable: true), Field("large", .int64),
        Field("ratio", .double, isNullable: true), Field("text", .text, isNullable: true),
        Field("bytes", .binary, isNullable: true),
        Field("at", .timestamp), Field("day", .date, isNullable: true), Field("single", .float, isNullable: true),
    ])

    private func rows(_ count: Int, seed: UInt64) -> [[Value]] {
        var random = SplitMix64(seed: seed)
        func orNull(_ value: Value) -> Value { Int.random(in: 0..<4, using: &random) == 0 ? .null : value }
        return (0..<count).map { _ in
            [
                orNull(.bool(.random(using: &random))), orNull(.int(Int64(Int32.random(in: .min ... .max, using: &random)))),
                .int(.random(in: .min ... .max, using: &random)), orNull(.double(.random(in: -1e9...1e9, using: &random))),
                orNull(.text(["", "a", "ä", "🚂 late", String(repeating: "x", count: 300)].randomElement(using: &random)!)),
                orNull(.binary((0..<Int.random(in: 0..<5, using: &random)).map { _ in .random(in: 0...255, using: &random) })),
                .timestamp(Timestamp(microseconds: .random(in: -1 << 50...1 << 50, using: &random))),
                orNull(.date(.random(in: -100_000...100_000, using: &random))),
                orNull(.double(Double(Float.random(in: -1...1, using: &random)))),
            ]
        }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 300]) func `gives back the rows it was made of, whole, sliced and gathered`(count: Int)
        throws
    {
        let rows = rows(count, seed: UInt64(count))
        let batch = try Batch(schema: Self.schema, rows: rows)
        #expect((0..<count).map(batch.row) == rows)
        var random = SplitMix64(seed: 5)
        for _ in 0..<20 where count > 0 {
            let start = Int.random(in: 0...count, using: &random), end = Int.random(in: start...count, using: &random)
            let slice = batch.slice(start..<end)
            #expect((0..<slice.count).map(slice.row) == Array(rows[start..<end]))
            #expect(
                slice.columns.map(\.nullCount)
                    == Self.schema.fields.indices.map { field in rows[start..<end].count { $0[field] == .null } })
            guard end > start else { continue }
            let picked = (0..<7).map { _ in Int.random(in: 0..<(end - start), using: &random) }
            let gathered = slice.gather(picked)
            #expect((0..<gathered.count).map(gathered.row) == picked.map { rows[start + $0] })
            // A slice of a slice counts from its own start.
            let inner = slice.slice((end - start) / 2..<(end - start))
            #expect((0..<inner.count).map(inner.row) == Array(rows[(start + (end - start) / 2)..<end]))
        }
    }

    @Test func `shares its storage with its slices`() throws {
        let batch = try Batch(schema: Schema([Field("n", .int64)]), rows: (0..<100).map { [.int($0)] })
        let slice = batch.slice(10..<20)
        guard case .int64(let whole) = batch.columns[0].values, case .int64(let part) = slice.columns[0].values else {
            Issue.record("an int64 column holds int64 values")
            return
        }
        #expect(whole.withUnsafeBufferPointer { $0.baseAddress } == part.withUnsafeBufferPointer { $0.baseAddress })
    }

    @Test func `refuses a value that does not fit, saying which and where`() {
        let error = #expect(throws: ColumnError.self) {
            try Batch(schema: Self.schema, rows: [rows(1, seed: 1)[0], [.null, .null, .text("7")]])
        }
        #expect(error?.description == "row 1: '7' is not of type int64 for column 'large', which must have a value")
    }

    @Test func `leaves out names that it does not have when some are selected`() throws {
        let batch = try Batch(schema: Self.schema, rows: rows(3, seed: 2)).selecting(["text", "nothing", "large"])
        #expect(batch.schema.fields.map(\.name) == ["text", "large"])
        #expect(batch["nothing"] == nil)
    }
}

struct `A dictionary builder` {
    /// Past every growth of its table, with texts that repeat.
    @Test func `gives each text one code, in the order of first appearance`() {
        var random = SplitMix64(seed: 9)
        var builder = DictionaryBuilder()
        var known: [String: UInt32] = [:]
        var expected: [String?] = []
        for _ in 0..<5000 {
            if Int.random(in: 0..<50, using: &random) == 0, !known.isEmpty {
                builder.appendNull()
                expected.append(nil)
                continue
            }
            let text = "text \(Int.random(in: 0..<1500, using: &random))"
            let code = builder.append(utf8: text)
            #expect(code == known[text, default: UInt32(known.count)])
            known[text] = code
            expected.append(text)
        }
        #expect(builder.distinctCount == known.count)
        let column = builder.finish()
        #expect((0..<column.count).map(column.string) == expected)
        #expect(builder.count == 0)
    }
}

struct `A bitmap` {
    @Test func `counts what is set in any range`() {
        var random = SplitMix64(seed: 4)
        var bits: [Bool] = []
        var bitmap = Bitmap()
        for _ in 0..<500 {
            bits.append(.random(using: &random))
            bitmap.append(bits[bits.count - 1])
        }
        for _ in 0..<300 {
            let start = Int.random(in: 0...500, using: &random), end = Int.random(in: start...500, using: &random)
            #expect(bitmap.setCount(in: start..<end) == bits[start..<end].count { $0 })
        }
        bitmap.set(77, to: !bits[77])
        #expect(bitmap[77] != bits[77])
        #expect(bits.indices.allSatisfy { $0 == 77 || bitmap[$0] == bits[$0] })
    }
}

struct `Runs of bytes` {
    /// Broken sequences of every kind among whole ones; Swift's own decoder is the judge.
    @Test func `are UTF-8 exactly where Swift says so`() {
        var random = SplitMix64(seed: 6)
        let pieces: [[UInt8]] = [
            Array("plain text of some length".utf8), Array("äöü".utf8), Array("€".utf8), Array("🚂".utf8), [0x80], [0xC0, 0x80],
            [0xC2],
            [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5], [0xFF],
            [0xE2, 0x82],
            [0xF0, 0x9F, 0x9A], [],
        ]
        for _ in 0..<5000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) { bytes += pieces.randomElement(using: &random)! }
            if !bytes.isEmpty, Int.random(in: 0..<3, using: &random) == 0 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            #expect(bytes.span.isValidUTF8 == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func `are searched and compared as arrays are`() {
        var random = SplitMix64(seed: 8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 97...100, using: &random) }
            let byte = UInt8.random(in: 97...101, using: &random), from = Int.random(in: 0...40, using: &random)
            #expect(bytes.span.firstIndex(of: byte, from: from) == bytes.indices.first { $0 >= from && bytes[$0] == byte })
            #expect(bytes.span.lastIndex(of: byte) == bytes.lastIndex(of: byte))
            #expect(bytes.span.starts(with: "ab") == bytes.starts(with: Array("ab".utf8)))
            #expect(bytes.span.ends(with: "cd") == (bytes.suffix(2) == [99, 100]))
            let copy = Array(bytes)
            let isEqual = bytes.span.isEqual(to: copy.span)
            #expect(isEqual)
        }
    }
}

struct `A timestamp` {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00Z"),
        (1_700_000_000_123_000, "2023-11-14T22:13:20.123Z"), (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
        (253_402_300_799_000_000, "9999-12-31T23:59:59Z"),
    ]) func `is written as RFC 3339 and read back by its parts`(microseconds: Int64, text: String) {
        let time = Timestamp(microseconds: microseconds)
        #expect(time.description == text)
        let c = time.components
        #expect(
            Timestamp(
                year: c.year, month: c.month, day: c.day, hour: c.hour, minute: c.minute, second: c.second,
                microsecond: c.microsecond)
                == time)
    }

    @Test func `knows every day of eight hundred years as the calendar does`() {
        for days in stride(from: -146_097, through: 146_097, by: 1) {
            let date = Timestamp.civil(days: days)
            #expect(Timestamp.days(year: date.year, month: date.month, day: date.day) == days)
            if !(1...12).contains(date.month) || !(1...31).contains(date.day) { Issue.record("\(date) of day \(days)") }
        }
    }
}
