import Columns
import Testing

@testable import Lake

struct `A column of texts in Parquet` {
    private let schema = Schema([Field("text", .text, isNullable: true)])

    /// Whether texts are written beside the dictionary when so many rows, `distinct` of which differ, come in batches of 500.
    private func leavesDictionary(rows: Int, distinct: Int, isHalfNull: Bool) throws -> Bool {
        let storage = MemoryStorage()
        let writer = try ParquetWriter(schema, to: try storage.create("a.parquet"))
        for start in stride(from: 0, to: rows, by: 500) {
            var builder = TextBuilder()
            for row in start..<start + 500 {
                if isHalfNull, row % 2 == 0 { builder.appendNull() } else { builder.append(utf8: "value \(row % distinct)") }
            }
            try writer.append(Batch(schema: schema, columns: [builder.finish()]))
        }
        return try writer.finish().rowGroups[0].columns[0].encodings.contains(.deltaLengthByteArray)
    }

    @Test(arguments: [
        // Hardly any text comes twice; that is not known before the 2,048th row.
        (9000, 9000, false, true), (2000, 2000, false, false), (9000, 3, false, false), (9000, 1000, false, false),
        // What is null is no text.
        (9000, 9000, true, true), (9000, 100, true, false),
    ])
    func `keeps its dictionary for as long as half of its texts come twice`(
        rows: Int, distinct: Int, isHalfNull: Bool, leaves: Bool
    ) throws {
        #expect(try leavesDictionary(rows: rows, distinct: distinct, isHalfNull: isHalfNull) == leaves)
    }
}
