/// What a byte can be in a message; a byte has several of these at once.
///
/// Bytes above 0x7F count as letters, so UTF-8 words stay whole without decoding.
enum ByteClass {
    static let digit: UInt8 = 1
    static let letter: UInt8 = 2
    static let hex: UInt8 = 4
    /// Ends a word and is kept in the template: `= : , ; ( ) [ ] { } < > " ' | # & ? ! * ^` and the backtick.
    static let delimiter: UInt8 = 8
    static let space: UInt8 = 16
    /// Belongs to a word, but not to its end: `. - / \ @ % $ + ~`.
    static let joiner: UInt8 = 32
    static let slash: UInt8 = 64
    static let dot: UInt8 = 128

    static let alphanumeric = digit | letter
    static let endsWord = delimiter | space

    /// The class of each of the 256 bytes.
    static func table() -> [UInt8] {
        var table = [UInt8](repeating: 0, count: 256)
        for byte in 0...255 where byte >= 0x80 { table[byte] |= letter }
        for byte in UInt8(ascii: "a")...UInt8(ascii: "z") {
            table[Int(byte)] |= letter
            table[Int(byte) - 32] |= letter
        }
        for byte in "0123456789".utf8 { table[Int(byte)] |= digit | hex }
        for byte in "abcdefABCDEF".utf8 { table[Int(byte)] |= hex }
        for byte in "=:,;()[]{}<>\"'|#&?!*^`".utf8 { table[Int(byte)] |= delimiter }
        for byte in "\t\n\u{0B}\u{0C}\r ".utf8 { table[Int(byte)] |= space }
        for byte in ".-/\\@%$+~".utf8 { table[Int(byte)] |= joiner }
        for byte in "/\\".utf8 { table[Int(byte)] |= slash }
        table[Int(UInt8(ascii: "."))] |= dot
        return table
    }
}
