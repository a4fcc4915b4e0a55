/// A multiply-and-fold hash of 64 bits, eight bytes per step, with a fixed seed so that it is the same in every run: for what is
/// hashed once per line and where ``StableHash``, which goes byte by byte, would cost too much. It does not resist somebody who
/// searches for collisions.
///
/// Source: the folding multiply of wyhash (Wang Yi, 2019).
public enum FastHash {
    /// Takes one more number in.
    @inlinable public static func mix(_ state: UInt64, _ value: UInt64) -> UInt64 {
        let product = (state ^ value).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low ^ value
    }

    /// Takes the bytes `lo..<hi` of a text in.
    @inlinable public static func bytes(_ text: Span<UInt8>, _ lo: Int, _ hi: Int, seed: UInt64) -> UInt64 {
        var state = seed
        var index = lo
        while index + 8 <= hi {
            state = mix(state, load(text, index, 8))
            index += 8
        }
        return index < hi ? mix(state, load(text, index, hi - index) | UInt64(hi - index) << 56) : state
    }

    /// Up to eight bytes, the first lowest.
    @inlinable static func load(_ text: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        // Safe because the caller has compared `start + 8` with the end of the range.
        if count == 8 { return text.bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self).littleEndian }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for index in start..<(start + count) {
            value |= UInt64(text[index]) << shift
            shift += 8
        }
        return value
    }
}
