// What every hot path needs of a run of bytes: compare, search, hash. Unsafe pointers stay in this file.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Span<UInt8> {
    /// Whether both hold the same bytes.
    @inlinable public func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        // Safe because both buffers are `count` bytes long and live for the call.
        return withUnsafeBufferPointer { left in
            other.withUnsafeBufferPointer { right in
                count == 0 || memcmp(left.baseAddress!, right.baseAddress!, count) == 0
            }
        }
    }

    /// Whether the bytes are those of a literal.
    @inlinable public func isEqual(to text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return starts(with: text)
    }

    /// Whether the first bytes are those of a literal.
    @inlinable public func starts(with prefix: StaticString) -> Bool {
        let length = prefix.utf8CodeUnitCount
        guard count >= length else { return false }
        // Safe because `count` was compared with the literal's length above.
        return withUnsafeBufferPointer { length == 0 || memcmp($0.baseAddress!, prefix.utf8Start, length) == 0 }
    }

    /// Whether the last bytes are those of a literal.
    @inlinable public func ends(with suffix: StaticString) -> Bool {
        let length = suffix.utf8CodeUnitCount
        guard count >= length else { return false }
        return extracting((count - length)..<count).starts(with: suffix)
    }

    /// The position of the first `byte` at or after `start`, or nil.
    @inlinable public func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < count else { return nil }
        // Safe because memchr reads only the `count - start` bytes that are there.
        return withUnsafeBufferPointer { buffer in
            memchr(buffer.baseAddress! + start, Int32(byte), count - start).map {
                UnsafeRawPointer($0) - UnsafeRawPointer(buffer.baseAddress!)
            }
        }
    }

    /// The position of the last `byte`, or nil.
    @inlinable public func lastIndex(of byte: UInt8) -> Int? {
        var index = count - 1
        while index >= 0, self[unchecked: index] != byte { index -= 1 }  // Safe because 0 <= index < count.
        return index >= 0 ? index : nil
    }

    /// Whether the bytes are well-formed UTF-8 (no overlong form, no surrogate, nothing above U+10FFFF).
    public var isValidUTF8: Bool {
        withUnsafeBufferPointer { buffer in
            let raw = UnsafeRawBufferPointer(buffer)
            var index = 0
            while index < raw.count {
                // Fast path: eight ASCII bytes at a time. Safe because the load ends at or before `count`.
                if index + 8 <= raw.count, raw.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    index += 8
                } else if raw[index] < 0x80 {
                    index += 1
                } else {
                    guard let length = raw.wellFormedLength(at: index) else { return false }
                    index += length
                }
            }
            return true
        }
    }

    /// A hash for tables that live as long as a batch. It has no secret: bound what comes into such a table from outside.
    @inlinable public var quickHash: UInt32 {
        withUnsafeBufferPointer { buffer in
            var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(buffer.count)
            let raw = UnsafeRawBufferPointer(buffer)
            var index = 0
            // Safe because each load ends at or before `count`.
            while index + 8 <= raw.count {
                hash = (hash ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
                hash ^= hash >> 32
                index += 8
            }
            var tail: UInt64 = 0
            while index < raw.count {
                tail = tail << 8 | UInt64(raw[index])
                index += 1
            }
            hash = (hash ^ tail) &* 0xC4CE_B9FE_1A85_EC53
            hash ^= hash >> 29
            hash = hash &* 0xFF51_AFD7_ED55_8CCD
            return UInt32(truncatingIfNeeded: hash >> 32)
        }
    }
}

extension UInt8 {
    /// Whether it is the ASCII code of a decimal digit.
    @inlinable @inline(__always) public var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    /// The value of the ASCII code of a hexadecimal digit; nil for any other byte.
    public var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Span<UInt8> {
    /// The number in `range`, or nil if it is empty, holds another byte than digits, or does not fit.
    @inlinable @inline(__always) public func integer(in range: Range<Int>) -> Int32? {
        guard (1...10).contains(range.count) else { return nil }
        var value = 0
        for index in range {
            guard self[index].isDigit else { return nil }
            value = value * 10 + Int(self[index] &- UInt8(ascii: "0"))
        }
        return Int32(exactly: value)
    }
}

extension UnsafeRawBufferPointer {
    /// The length of the multi-byte sequence at `index`, or nil if it is ill-formed.
    ///
    /// Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
    fileprivate func wellFormedLength(at index: Int) -> Int? {
        let second: ClosedRange<UInt8>
        let length: Int
        switch self[index] {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard index + length <= count, second.contains(self[index + 1]) else { return nil }
        for rest in 2..<Swift.max(2, length) where !(0x80...0xBF).contains(self[index + rest]) { return nil }
        return length
    }
}
