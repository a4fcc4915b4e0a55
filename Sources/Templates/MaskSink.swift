import Columns

/// Takes a message in the order of its bytes, with the variable parts already replaced.
protocol MaskSink {
    /// Bytes `lo..<hi` of the message stay as they are; they hold no white space.
    mutating func literal(_ line: Span<UInt8>, _ lo: Int, _ hi: Int)
    /// Bytes `lo..<hi` are white space between two tokens.
    mutating func space(_ line: Span<UInt8>, _ lo: Int, _ hi: Int)
    /// A variable part, or a run of them.
    mutating func mask()
}

/// Hashes the masked message without writing it: all that a known shape needs.
struct SignatureSink: MaskSink {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    mutating func literal(_ line: Span<UInt8>, _ lo: Int, _ hi: Int) {
        hash = FastHash.bytes(line, lo, hi, seed: hash)
    }

    /// One blank and several are the same shape.
    @inline(__always)
    mutating func space(_ line: Span<UInt8>, _ lo: Int, _ hi: Int) { hash = FastHash.mix(hash, 0x20) }

    @inline(__always)
    mutating func mask() { hash = FastHash.mix(hash, 0x2A3C_2A3E) }
}

/// Writes the masked message, blanks as they were (at most eight together).
struct TextSink: MaskSink {
    var text: [UInt8] = []

    mutating func literal(_ line: Span<UInt8>, _ lo: Int, _ hi: Int) {
        for index in lo..<hi { text.append(line[index]) }
    }

    mutating func space(_ line: Span<UInt8>, _ lo: Int, _ hi: Int) {
        for _ in lo..<min(hi, lo + 8) { text.append(UInt8(ascii: " ")) }
    }

    mutating func mask() { text.append(contentsOf: Mask.bytes) }
}

/// The sign for a variable part in the text of a template.
enum Mask {
    static let bytes: [UInt8] = [UInt8(ascii: "<"), UInt8(ascii: "*"), UInt8(ascii: ">")]
}
