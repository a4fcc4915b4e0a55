import Columns

/// Names a line that was kept for evidence.
struct LineReference: Sendable, Hashable, Comparable {
    /// Of its event, in microseconds.
    var time: Int64
    /// See ``LineSet/name(text:repetition:)``.
    var name: UInt32

    static func < (left: LineReference, right: LineReference) -> Bool { (left.time, left.name) < (right.time, right.name) }
}

/// The texts of lines that may become evidence, each once however many rules look at it, in bounded memory: when it is full the
/// line that came first is forgotten.
///
/// Rules keep references of twelve bytes; with the texts in each of a million groups a rule would need gigabytes. Nearly every
/// line of a rule is kept and nearly none is asked for: so the texts lie one behind the other as bytes, and become strings when
/// a finding needs them.
final class EvidenceCache {
    /// Bytes of text that are kept.
    private static let maxBytes = 4 << 20

    private struct Entry {
        let reference: LineReference
        let time: Int64
        let offset: Int64
        /// Where its texts begin in ``texts``, counted from the first text that ever came.
        let start: Int
        let fileCount: Int32
        let lineCount: Int32
        /// Less than 0 for none.
        let hostCount: Int32

        var size: Int { Int(fileCount) + Int(lineCount) + Int(max(0, hostCount)) + 100 }
    }

    /// The number of each line, counted from the first that ever came.
    private var numbers: [LineReference: Int] = [:]
    /// In the order in which they came; those before `first` are forgotten.
    private var entries: [Entry] = []
    private var first = 0
    /// File, line and host of each entry.
    private var texts: [UInt8] = []
    /// Entries and bytes that are not there any more.
    private var goneEntries = 0
    private var goneBytes = 0
    private(set) var bytes = 0

    init() {}

    func contains(_ reference: LineReference) -> Bool { numbers[reference] != nil }

    /// - Parameter host: nothing is known of it when `hasHost` is false.
    func insert(
        _ reference: LineReference, time: Int64, offset: Int64, file: Span<UInt8>, line: Span<UInt8>, host: Span<UInt8>,
        hasHost: Bool
    ) {
        guard numbers[reference] == nil else { return }
        let entry = Entry(
            reference: reference, time: time, offset: offset, start: goneBytes + texts.count, fileCount: Int32(file.count),
            lineCount: Int32(line.count), hostCount: hasHost ? Int32(host.count) : -1)
        numbers[reference] = goneEntries + entries.count
        entries.append(entry)
        append(file)
        append(line)
        if hasHost { append(host) }
        bytes += entry.size
        while bytes > Self.maxBytes, first < entries.count { forgetFirst() }
    }

    func insert(_ line: Evidence, as reference: LineReference) {
        let file = Array(line.file.utf8), text = Array(line.line.utf8), host = Array((line.host ?? "").utf8)
        insert(
            reference, time: line.time.microseconds, offset: line.offset, file: file.span, line: text.span, host: host.span,
            hasHost: line.host != nil)
    }

    // Safe because nothing keeps the pointer.
    private func append(_ text: Span<UInt8>) { text.withUnsafeBufferPointer { texts.append(contentsOf: $0) } }

    private func forgetFirst() {
        let entry = entries[first]
        numbers[entry.reference] = nil
        bytes -= entry.size
        first += 1
        guard first > 1024, first * 2 > entries.count else { return }
        let start = first < entries.count ? entries[first].start : goneBytes + texts.count
        texts.removeFirst(start - goneBytes)
        entries.removeFirst(first)
        (goneBytes, goneEntries, first) = (start, goneEntries + first, 0)
    }

    func lines(_ references: some Sequence<LineReference>) -> [Evidence] {
        references.compactMap { numbers[$0].map { evidence(entries[$0 - goneEntries]) } }
    }

    private func evidence(_ entry: Entry) -> Evidence {
        let line = entry.start - goneBytes + Int(entry.fileCount), host = line + Int(entry.lineCount)
        func text(_ range: Range<Int>) -> String { String(decoding: texts[range], as: UTF8.self) }
        return Evidence(
            file: text((entry.start - goneBytes)..<line), offset: entry.offset, line: text(line..<host),
            time: Timestamp(microseconds: entry.time),
            host: entry.hostCount < 0 ? nil : text(host..<(host + Int(entry.hostCount))))
    }

    /// Forgets lines of events before `time`.
    func forget(before time: Int64) {
        guard entries[first...].contains(where: { $0.reference.time < time }) else { return }
        let kept = entries[first...].filter { $0.reference.time >= time }.map { ($0.reference, evidence($0)) }
        (numbers, entries, first, texts, goneEntries, goneBytes, bytes) = ([:], [], 0, [], 0, 0, 0)
        for (reference, line) in kept { insert(line, as: reference) }
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        writer.write(entries.count - first)
        for entry in entries[first...] {
            writer.write(compact: Int64(entry.reference.name))
            writer.write(entry.reference.time)
            evidence(entry).encode(to: &writer)
        }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        for _ in 0..<(try reader.count()) {
            guard let name = UInt32(exactly: try reader.compactInt64()) else { throw StateReader.Damaged() }
            let reference = LineReference(time: try reader.int64(), name: name)
            insert(try Evidence(from: &reader), as: reference)
        }
    }
}

extension Evidence {
    fileprivate func encode(to writer: inout StateWriter) {
        writer.write(file)
        writer.write(compact: offset)
        writer.write(line)
        writer.write(compact: time.microseconds)
        writer.write(host != nil)
        if let host { writer.write(host) }
    }

    fileprivate init(from reader: inout StateReader) throws(StateReader.Damaged) {
        self.init(
            file: try reader.string(), offset: try reader.compactInt64(), line: try reader.string(),
            time: Timestamp(microseconds: try reader.compactInt64()))
        if try reader.bool() { host = try reader.string() }
    }
}
