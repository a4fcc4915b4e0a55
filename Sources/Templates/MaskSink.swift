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

/// A multiply-and-fold hash of 64 bits, with a fixed seed so that ids are the same in every run. It does not resist somebody who
/// searches for collisions: with one, two shapes become one template, and nothing else happens.
///
/// Source: the folding multiply of wyhash (Wang Yi, 2019), eight bytes per step.
enum FastHash {
    @inline(__always)
    static func mix(_ state: UInt64, _ value: UInt64) -> UInt64 {
        let product = (state ^ value).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low ^ value
    }

    @inline(__always)
    static func bytes(_ line: Span<UInt8>, _ lo: Int, _ hi: Int, seed: UInt64) -> UInt64 {
        var state = seed
        var index = lo
        while index + 8 <= hi {
            state = mix(state, load(line, index, 8))
            index += 8
        }
        return index < hi ? mix(state, load(line, index, hi - index) | UInt64(hi - index) << 56) : state
    }

    /// Up to eight bytes, the first lowest. Each access is checked by the span.
    @inline(__always)
    private static func load(_ line: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        // Safe because: the caller has compared `start + 8` with the end of the range, and the span checks its own bounds.
        if count == 8 { return line.bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self).littleEndian }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for index in start..<(start + count) {
            value |= UInt64(line[index]) << shift
            shift += 8
        }
        return value
    }
}
