/// Many texts in one buffer: text `i` is `bytes[offsets[i]..<offsets[i + 1]]`. One allocation for thousands of values, and
/// the same shape that Parquet and Arrow use.
///
/// - Invariant: `offsets` starts with 0, never falls, and ends with `bytes.count`; a buffer holds less than 4 GiB.
public struct TextValues: Sendable, Hashable {
    /// The bytes of all texts, one behind another.
    public private(set) var bytes: [UInt8]
    /// Where each text begins, and at last where the last one ends.
    public private(set) var offsets: [UInt32]

    /// No texts.
    public init() {
        bytes = []
        offsets = [0]
    }

    /// - Precondition: `offsets` fits `bytes` as the invariant says.
    public init(bytes: [UInt8], offsets: [UInt32]) {
        precondition(offsets.first == 0 && Int(offsets[offsets.count - 1]) == bytes.count)
        var previous: UInt32 = 0
        for offset in offsets {
            precondition(offset >= previous)
            previous = offset
        }
        self.bytes = bytes
        self.offsets = offsets
    }

    /// These texts, in this order.
    public init(_ texts: some Sequence<String>) {
        self.init()
        for text in texts { append(utf8: text) }
    }

    /// The number of texts.
    @inlinable public var count: Int { offsets.count - 1 }

    /// The bytes of a text, without a copy.
    @inlinable public subscript(_ index: Int) -> Span<UInt8> {
        @_lifetime(borrow self) get {
            bytes.span.extracting(Int(offsets[index])..<Int(offsets[index + 1]))
        }
    }

    /// Text `index` as a `String`, with U+FFFD where the bytes are not UTF-8. For cold paths.
    public func string(at index: Int) -> String {
        String(decoding: bytes[Int(offsets[index])..<Int(offsets[index + 1])], as: UTF8.self)
    }

    /// Adds a text.
    public mutating func append(_ text: Span<UInt8>) {
        text.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        offsets.append(UInt32(bytes.count))
    }

    /// Adds a text.
    public mutating func append(utf8 text: String) {
        bytes.append(contentsOf: text.utf8)
        offsets.append(UInt32(bytes.count))
    }

    /// Appends the texts `range` of `other`: one copy, not one a text.
    public mutating func append(contentsOf other: TextValues, in range: Range<Int>) {
        let start = other.offsets[range.lowerBound], end = other.offsets[range.upperBound]
        let base = UInt32(bytes.count)
        bytes.append(contentsOf: other.bytes[Int(start)..<Int(end)])
        offsets.reserveCapacity(offsets.count + range.count)
        for index in range { offsets.append(base + other.offsets[index + 1] - start) }
    }

    /// Makes room for so many texts, and so many bytes in all of them together.
    public mutating func reserveCapacity(texts: Int, bytes byteCount: Int) {
        offsets.reserveCapacity(texts + 1)
        bytes.reserveCapacity(byteCount)
    }

    /// Removes all texts; the memory may be kept for the next ones.
    public mutating func removeAll(keepingCapacity: Bool) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        offsets.removeAll(keepingCapacity: keepingCapacity)
        offsets.append(0)
    }
}

/// Texts that repeat: each distinct one is kept once in `dictionary`, and a row is its index there.
///
/// - Invariant: each code is below `dictionary.count`. The dictionary may hold texts that no row uses, as after a slice.
public struct DictionaryValues: Sendable, Hashable {
    /// By row the index of its text in ``dictionary``.
    public let codes: [UInt32]
    /// Each text once.
    public let dictionary: TextValues

    /// - Precondition: each code is below `dictionary.count`.
    public init(codes: [UInt32], dictionary: TextValues) {
        precondition(codes.allSatisfy { $0 < dictionary.count })
        self.codes = codes
        self.dictionary = dictionary
    }

    /// The bytes of the text of a row, without a copy.
    @inlinable public subscript(_ index: Int) -> Span<UInt8> {
        @_lifetime(borrow self) get { dictionary[Int(codes[index])] }
    }
}
