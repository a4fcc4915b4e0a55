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
/// Rules keep references of twelve bytes; with the texts in each of a million groups a rule would need gigabytes.
final class EvidenceCache {
    /// Bytes of text that are kept.
    private static let maxBytes = 4 << 20

    private var lines: [LineReference: Evidence] = [:]
    /// In the order in which they came; those before `first` are forgotten.
    private var order: [LineReference] = []
    private var first = 0
    private(set) var bytes = 0

    init() {}

    func contains(_ reference: LineReference) -> Bool { lines[reference] != nil }

    func insert(_ line: Evidence, as reference: LineReference) {
        guard lines.updateValue(line, forKey: reference) == nil else { return }
        order.append(reference)
        bytes += Self.size(line)
        while bytes > Self.maxBytes, first < order.count { forgetFirst() }
    }

    private func forgetFirst() {
        if let line = lines.removeValue(forKey: order[first]) { bytes -= Self.size(line) }
        first += 1
        guard first > 1024, first * 2 > order.count else { return }
        order.removeFirst(first)
        first = 0
    }

    private static func size(_ line: Evidence) -> Int { line.line.utf8.count + line.file.utf8.count + 100 }

    func lines(_ references: some Sequence<LineReference>) -> [Evidence] { references.compactMap { lines[$0] } }

    /// Forgets lines of events before `time`.
    func forget(before time: Int64) {
        guard order[first...].contains(where: { $0.time < time }) else { return }
        let kept = order[first...].filter { $0.time >= time }
        for reference in order[first...] where reference.time < time {
            if let line = lines.removeValue(forKey: reference) { bytes -= Self.size(line) }
        }
        (order, first) = (kept, 0)
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        writer.write(order.count - first)
        for reference in order[first...] {
            guard let line = lines[reference] else { continue }
            writer.write(compact: Int64(reference.name))
            writer.write(reference.time)
            line.encode(to: &writer)
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
