/// Replaces the variable parts of a message by `<*>` in one pass over its bytes.
///
/// A message is words, delimiters and blanks. A word is masked for its look (numbers, ids, hexadecimal, paths, see
/// `MessageMasker+Words`) or for its place (a host before a port, a value after `=`, a user's name after `for user`).
/// Masks that only blanks, commas and colons part become one, so that a list of any length has one shape:
///
///     Failed password for invalid user bob from 10.0.0.7 port 4022 ssh2
///     Failed password for invalid user <*> from <*> port <*> ssh2
///     ask 10.0.0.7:50010 to delete blk_-77 blk_42 blk_9   →   ask <*> to delete <*>
///
/// Sources: masking before parsing as in Drain (He et al., ICWS 2017, §III-A) and AEL (Jiang et al., QSIC 2008); which
/// kinds of word are parameters, after the labelling rules of Khan et al., ICSE 2022, §3.
struct MessageMasker: Sendable {
    let classes = ByteClass.table()
    let lineLength: Int
    let maxTokens: Int

    /// The hash of the masked message and the number of its tokens.
    func signature(_ line: Span<UInt8>) -> (hash: UInt64, tokens: Int) {
        var scan = MaskScan(sink: SignatureSink(), classes: classes)
        scan.run(line, lineLength: lineLength, maxTokens: maxTokens)
        return (scan.sink.hash, scan.tokens)
    }

    /// The masked message as text.
    func text(_ line: Span<UInt8>) -> [UInt8] {
        var scan = MaskScan(sink: TextSink(), classes: classes)
        scan.run(line, lineLength: lineLength, maxTokens: maxTokens)
        return scan.sink.text
    }
}

/// One pass over one message. Never reads outside `0..<end`, whatever the bytes are.
struct MaskScan<Sink: MaskSink> {
    var sink: Sink
    let classes: [UInt8]
    /// The message without blanks at its end, cut at the bound.
    var end = 0
    var at = 0
    var tokens = 0
    /// After a mask: where the blanks, commas and colons begin that a further mask would swallow.
    private var heldFrom = -1

    init(sink: Sink, classes: [UInt8]) {
        self.sink = sink
        self.classes = classes
    }

    @inline(__always)
    func byteClass(_ line: Span<UInt8>, _ index: Int) -> UInt8 { classes[Int(line[index])] }

    mutating func run(_ line: Span<UInt8>, lineLength: Int, maxTokens: Int) {
        end = min(line.count, lineLength)
        // A scalar of UTF-8 is not cut in two, because templates are columns of text: at most three bytes continue one.
        if end < line.count { for _ in 0..<3 where end > 0 && line[end] & 0xC0 == 0x80 { end -= 1 } }
        while end > 0 && byteClass(line, end - 1) & ByteClass.space != 0 { end -= 1 }
        while at < end && byteClass(line, at) & ByteClass.space != 0 { at += 1 }
        tokens = at < end ? 1 : 0
        while at < end {
            if tokens > maxTokens { return cut(line) }
            step(line)
        }
        if line.count > lineLength { return cut(line) }
        release(line, upTo: end)
    }

    @inline(__always)
    private mutating func step(_ line: Span<UInt8>) {
        let kind = byteClass(line, at)
        if kind & ByteClass.space != 0 {
            blanks(line)
        } else if kind & ByteClass.delimiter != 0 {
            delimiter(line)
        } else {
            word(line)
        }
    }

    private mutating func blanks(_ line: Span<UInt8>) {
        let start = at
        while at < end && byteClass(line, at) & ByteClass.space != 0 { at += 1 }
        if heldFrom < 0 {
            sink.space(line, start, at)
            tokens += 1
        }
    }

    private mutating func delimiter(_ line: Span<UInt8>) {
        let byte = line[at]
        if heldFrom >= 0 && (byte == UInt8(ascii: ":") || byte == UInt8(ascii: ",")) {
            at += 1
        } else if byte == UInt8(ascii: "<"), let next = masklike(line) {
            maskUp(to: next, line)
        } else if byte == UInt8(ascii: "\""), let next = quotedValue(line) {
            keep(line, at, at + 1)
            maskUp(to: next - 1, line)
            keep(line, next - 1, next)
        } else {
            keep(line, at, at + 1)
        }
    }

    /// Emits a mask for everything from `at` to `next`; with only held bytes since the last mask they are one.
    @inline(__always)
    mutating func maskUp(to next: Int, _ line: Span<UInt8>) {
        if heldFrom < 0 { sink.mask() }
        heldFrom = next
        at = next
    }

    /// Emits the bytes as they are.
    @inline(__always)
    mutating func keep(_ line: Span<UInt8>, _ lo: Int, _ hi: Int) {
        if heldFrom >= 0 { release(line, upTo: lo) }
        sink.literal(line, lo, hi)
        at = hi
    }

    /// Emits what was held after a mask, because no mask followed.
    private mutating func release(_ line: Span<UInt8>, upTo limit: Int) {
        guard heldFrom >= 0 else { return }
        var index = heldFrom
        heldFrom = -1
        while index < limit {
            let start = index
            while index < limit && byteClass(line, index) & ByteClass.space != 0 { index += 1 }
            if index > start {
                sink.space(line, start, index)
                tokens += 1
            } else {
                index += 1
                sink.literal(line, start, index)
            }
        }
    }

    /// The message is longer than the bounds: its rest is one mask.
    private mutating func cut(_ line: Span<UInt8>) {
        if heldFrom < 0 { sink.mask() }
        tokens = max(tokens, 1)
        at = end
    }
}
