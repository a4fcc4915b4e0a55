/// Rows as JSON, from the bytes of their columns: a string for each value would cost more than all else of a row.
extension JSONText {
    /// Appends the value of a column at `row` as ``render(_:)`` gives it.
    public static func append(_ column: Column, at row: Int, as type: ColumnType, to bytes: inout [UInt8]) {
        switch type {
        case .text where !column.isNull(at: row): column.withBytes(at: row) { append(quoted: $0, to: &bytes) }
        case .int32, .int64:
            if let number = column.integer(at: row) { append(number, to: &bytes) } else { bytes += "null".utf8 }
        default: bytes.append(contentsOf: render(column.value(at: row, as: type)).utf8)
        }
    }

    private static func append(quoted text: Span<UInt8>, to bytes: inout [UInt8]) {
        let isPlain = text.indices.allSatisfy {
            let byte = text[$0]
            return byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        // Safe because nothing keeps the pointer.
        guard isPlain else {
            return text.withUnsafeBufferPointer { append(quoted: String(decoding: $0, as: UTF8.self), to: &bytes) }
        }
        bytes.append(UInt8(ascii: "\""))
        text.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(_ number: Int64, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        let first = bytes.count
        var rest = number.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[first...].reverse()
    }
}
