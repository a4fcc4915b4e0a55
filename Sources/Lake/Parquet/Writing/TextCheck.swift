import Columns

/// Whether the texts of a column are UTF-8, which every reader of Parquet's STRING relies on.
///
/// A buffer is looked at as a whole, eight bytes of ASCII at a time; then it is enough that no text begins within a character.
///
/// Source: Parquet, "Logical Types", STRING.
extension Column {
    var isUTF8: Bool {
        switch values {
        case .text(let texts): texts.isUTF8(in: range)
        case .dictionary(let values): values.dictionary.isUTF8(in: 0..<values.dictionary.count)
        default: true
        }
    }
}

extension TextValues {
    func isUTF8(in range: Range<Int>) -> Bool {
        let start = Int(offsets[range.lowerBound]), end = Int(offsets[range.upperBound])
        guard bytes.span.extracting(start..<end).isValidUTF8 else { return false }
        for index in range {
            let offset = Int(offsets[index])
            if offset < end, bytes[offset] & 0xC0 == 0x80 { return false }
        }
        return true
    }
}
