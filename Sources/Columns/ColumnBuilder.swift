/// Builds a column of numbers or booleans. On hot paths a parser holds one builder a column under its own name.
public struct NumberBuilder<Number: Sendable & BitwiseCopyable>: Sendable {
    @usableFromInline var values: [Number] = []
    @usableFromInline var validity = ValidityBuilder()
    @usableFromInline let placeholder: Number

    /// - Parameter placeholder: what the slot of a null holds.
    @inlinable public init(placeholder: Number) {
        self.placeholder = placeholder
    }

    /// The number of rows so far.
    @inlinable public var count: Int { values.count }

    /// Adds a row.
    @inlinable public mutating func append(_ value: Number) {
        values.append(value)
        validity.appendValid(count: values.count)
    }

    /// Adds the same value in `count` rows.
    @inlinable public mutating func append(_ value: Number, count: Int) {
        values.append(contentsOf: repeatElement(value, count: count))
        validity.appendValid(count: values.count, adding: count)
    }

    /// Adds a row without a value.
    @inlinable public mutating func appendNull() {
        values.append(placeholder)
        validity.appendNull(count: values.count)
    }

    /// Adds a row; nil means no value.
    @inlinable public mutating func append(_ value: Number?) {
        if let value { append(value) } else { appendNull() }
    }

    /// Makes room for `count` rows in all.
    @inlinable public mutating func reserveCapacity(_ count: Int) {
        values.reserveCapacity(count)
    }

    /// What was built; the builder is empty after it.
    @inlinable mutating func take() -> (values: [Number], validity: Bitmap?) {
        defer { values = [] }
        return (values, validity.take())
    }
}

extension NumberBuilder where Number: ExpressibleByIntegerLiteral {
    /// A builder that puts 0 where a row has no value.
    @inlinable public init() { self.init(placeholder: 0) }
}

extension NumberBuilder<Int64> {
    /// What was built, as a column; the builder is empty after it.
    ///
    public mutating func finish() -> Column {
        let built = take()
        return Column(.int64(built.values), validity: built.validity)
    }
}

extension NumberBuilder<Int32> {
    /// A ``ColumnType/timestamp`` or ``ColumnType/int`` column of the rows so far; the builder is empty then.
    public mutating func finish() -> Column {
        let built = take()
        return Column(.int32(built.values), validity: built.validity)
    }
}

extension NumberBuilder<UInt32> {
    /// What was built, as a column of texts: each number is the index of its text in `texts`. The builder is empty after it.
    public mutating func finish(naming texts: TextValues) -> Column {
        let built = take()
        return Column(.dictionary(DictionaryValues(codes: built.values, dictionary: texts)), validity: built.validity)
    }
}

extension NumberBuilder<Double> {
    /// A ``ColumnType/double`` column of the rows so far; the builder is empty then.
    public mutating func finish() -> Column {
        let built = take()
        return Column(.double(built.values), validity: built.validity)
    }
}

extension NumberBuilder<Float> {
    /// A ``ColumnType/date`` column of the rows so far; the builder is empty then.
    public mutating func finish() -> Column {
        let built = take()
        return Column(.float(built.values), validity: built.validity)
    }
}

extension NumberBuilder<Bool> {
    /// A builder that puts false where a row has no value.
    public init() { self.init(placeholder: false) }

    /// A ``ColumnType/bool`` column of the rows so far; the builder is empty then.
    public mutating func finish() -> Column {
        let built = take()
        return Column(.bool(built.values), validity: built.validity)
    }
}

/// Builds a column of texts from bytes, without a `String` between.
public struct TextBuilder: Sendable {
    @usableFromInline var texts = TextValues()
    @usableFromInline var validity = ValidityBuilder()

    /// A builder without rows.
    public init() {}

    /// The number of rows so far.
    @inlinable public var count: Int { texts.count }

    /// The bytes so far: a batch is cut before they reach 4 GiB.
    @inlinable public var byteCount: Int { texts.bytes.count }

    /// Adds a row. Whether the bytes are UTF-8 is not checked.
    @inlinable public mutating func append(_ text: Span<UInt8>) {
        texts.append(text)
        validity.appendValid(count: texts.count)
    }

    /// Adds a row.
    public mutating func append(utf8 text: String) {
        texts.append(utf8: text)
        validity.appendValid(count: texts.count)
    }

    /// Adds a row without a value.
    public mutating func appendNull() {
        let none: [UInt8] = []
        texts.append(none.span)
        validity.appendNull(count: texts.count)
    }

    /// Makes room for so many rows, and for so many bytes in all of them together.
    public mutating func reserveCapacity(texts count: Int, bytes: Int) {
        texts.reserveCapacity(texts: count, bytes: bytes)
    }

    /// What was built, as a column; the builder is empty after it.
    public mutating func finish() -> Column {
        defer { texts = TextValues() }
        return Column(.text(texts), validity: validity.take())
    }
}

/// Builds a dictionary column from bytes: each distinct text is stored once.
///
/// The table is open addressing over the codes, with the hash kept beside each code, so a text that was seen before costs one
/// hash, one probe and one comparison. The dictionary lives for one column: codes of two columns do not compare.
public struct DictionaryBuilder: Sendable {
    private var codes: [UInt32] = []
    private var validity = ValidityBuilder()
    private var dictionary = TextValues()
    /// `hash << 32 | code + 1`, or 0 for an empty slot; a power of two in size, at most half full.
    private var slots: [UInt64] = Array(repeating: 0, count: 64)

    /// A builder without rows.
    public init() {}

    /// The number of rows so far.
    public var count: Int { codes.count }
    /// How many distinct texts there are so far.
    public var distinctCount: Int { dictionary.count }

    /// Makes room for `count` rows in all.
    public mutating func reserveCapacity(_ count: Int) { codes.reserveCapacity(count) }

    /// Appends `text` and returns its code, which is the number of distinct texts before its first appearance.
    @discardableResult
    public mutating func append(_ text: Span<UInt8>) -> UInt32 {
        let code = code(of: text)
        append(code: code)
        return code
    }

    /// Adds a row, and gives its code.
    @discardableResult
    public mutating func append(utf8 text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { append($0.span) }
    }

    /// The same as ``code(of:)``.
    public mutating func code(utf8 text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { code(of: $0.span) }
    }

    /// Appends the text that `code(of:)` gave `code` for: the fast way when many rows have one value.
    public mutating func append(code: UInt32) {
        precondition(code < dictionary.count)
        codes.append(code)
        validity.appendValid(count: codes.count)
    }

    /// The same for `count` rows.
    public mutating func append(code: UInt32, count: Int) {
        precondition(code < dictionary.count)
        codes.append(contentsOf: repeatElement(code, count: count))
        validity.appendValid(count: codes.count, adding: count)
    }

    /// Adds a row without a value.
    public mutating func appendNull() {
        if dictionary.count == 0 {
            let none: [UInt8] = []
            _ = code(of: none.span)
        }
        codes.append(0)
        validity.appendNull(count: codes.count)
    }

    /// The code of `text`, which is entered in the dictionary if it is new; no row is appended.
    public mutating func code(of text: Span<UInt8>) -> UInt32 {
        let hash = text.quickHash
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] != 0 {
            if UInt32(truncatingIfNeeded: slots[slot] >> 32) == hash {
                let code = UInt32(truncatingIfNeeded: slots[slot]) - 1
                if dictionary[Int(code)].isEqual(to: text) { return code }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        let code = UInt32(dictionary.count)
        dictionary.append(text)
        slots[slot] = UInt64(hash) << 32 | UInt64(code + 1)
        if dictionary.count * 2 > slots.count { grow() }
        return code
    }

    /// What was built, as a column; the builder is empty after it.
    public mutating func finish() -> Column {
        defer { self = DictionaryBuilder() }
        return Column(.dictionary(DictionaryValues(codes: codes, dictionary: dictionary)), validity: validity.take())
    }

    /// The distinct texts in the order of their codes, without the rows; the builder is empty after it.
    public mutating func takeTexts() -> TextValues {
        defer { self = DictionaryBuilder() }
        return dictionary
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: old.count * 2)
        for entry in old where entry != 0 {
            var slot = Int(entry >> 32) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = entry
        }
    }
}

/// The bitmap of a builder, made only when the first null comes: most columns never have one.
@usableFromInline struct ValidityBuilder: Sendable {
    @usableFromInline var bitmap: Bitmap?

    @usableFromInline init() {}

    /// - Parameter count: the number of values including this one.
    @inlinable mutating func appendValid(count: Int) {
        if bitmap != nil { bitmap!.append(true) }
    }

    @usableFromInline mutating func appendValid(count: Int, adding added: Int) {
        guard bitmap != nil else { return }
        for _ in 0..<added { bitmap!.append(true) }
    }

    @usableFromInline mutating func appendNull(count: Int) {
        if bitmap == nil { bitmap = Bitmap(repeating: true, count: count - 1) }
        bitmap!.append(false)
    }

    @usableFromInline mutating func take() -> Bitmap? {
        defer { bitmap = nil }
        return bitmap
    }
}

/// Builds a column of any type from ``Value``s; for cold paths and generic code.
public struct ColumnBuilder: Sendable {
    private let type: ColumnType
    // One of these is used. They are not the cases of an enum because taking one out to append would copy what it holds.
    private var bools = NumberBuilder<Bool>()
    private var int32s = NumberBuilder<Int32>()
    private var int64s = NumberBuilder<Int64>()
    private var floats = NumberBuilder<Float>()
    private var doubles = NumberBuilder<Double>()
    private var texts = TextBuilder()

    /// A builder for a column of this type.
    public init(_ field: Field) {
        type = field.type
    }

    /// Appends `value` and returns true, or returns false and appends nothing when it is not of this column's type.
    public mutating func append(_ value: Value) -> Bool {
        if value == .null {
            appendNull()
            return true
        }
        switch (type, value) {
        case (.bool, .bool(let item)): bools.append(item)
        case (.int32, .int(let item)):
            guard let narrow = Int32(exactly: item) else { return false }
            int32s.append(narrow)
        case (.date, .date(let days)): int32s.append(days)
        case (.int64, .int(let item)): int64s.append(item)
        case (.timestamp, .timestamp(let time)): int64s.append(time.microseconds)
        case (.float, .double(let item)): floats.append(Float(item))
        case (.float, .int(let item)): floats.append(Float(item))
        case (.double, .double(let item)): doubles.append(item)
        case (.double, .int(let item)): doubles.append(Double(item))
        case (.text, .text(let text)): texts.append(utf8: text)
        case (.binary, .binary(let bytes)): texts.append(bytes.span)
        default: return false
        }
        return true
    }

    /// Adds a row without a value.
    public mutating func appendNull() {
        switch type {
        case .bool: bools.appendNull()
        case .int32, .date: int32s.appendNull()
        case .int64, .timestamp: int64s.appendNull()
        case .float: floats.appendNull()
        case .double: doubles.appendNull()
        case .text, .binary: texts.appendNull()
        }
    }

    /// What was built, as a column; the builder is empty after it.
    public mutating func finish() -> Column {
        switch type {
        case .bool: bools.finish()
        case .int32, .date: int32s.finish()
        case .int64, .timestamp: int64s.finish()
        case .float: floats.finish()
        case .double: doubles.finish()
        case .text, .binary: texts.finish()
        }
    }
}
