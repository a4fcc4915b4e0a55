import Columns

/// A line that a container runtime wrote around what a program in a container printed.
///
///     {"log":"Failed password …\n","stream":"stderr","time":"2026-11-28T00:00:00.123456789Z"}      Docker's json-file
///     2026-11-28T00:00:00.123456789Z stderr F Failed password …                                    CRI: containerd, CRI-O
///
/// A runtime cuts long lines, usually at 16 KiB: a part has no `\n` at its end in Docker's form, and the tag `P` in that of CRI.
///
/// Sources: Docker, "JSON File logging driver"; Kubernetes, design of CRI's container logs (kubelet).
struct ContainerLine {
    enum Stream: Int, CaseIterable {
        case stdout, stderr

        init?(_ name: Span<UInt8>) {
            if name.isEqual(to: "stdout") {
                self = .stdout
            } else if name.isEqual(to: "stderr") {
                self = .stderr
            } else {
                return nil
            }
        }
    }

    private(set) var stream = Stream.stdout
    /// Microseconds since 1970.
    private(set) var time: Int64 = 0
    /// What the program printed, without the line end.
    private(set) var text: [UInt8] = []
    /// The line goes on in the next one of the stream.
    private(set) var isPartial = false

    /// Takes another line in the place of the one before; false where it has neither form.
    mutating func read(_ line: Span<UInt8>) -> Bool {
        text.removeAll(keepingCapacity: true)
        guard !line.isEmpty else { return false }
        return line[0] == UInt8(ascii: "{") ? (try? readDocker(line)) ?? false : readCRI(line)
    }

    private mutating func readCRI(_ line: Span<UInt8>) -> Bool {
        guard readTime(line), let stamp = ISOTime.read(line), stamp.end < line.count, line[stamp.end] == UInt8(ascii: " "),
            let streamEnd = line.firstIndex(of: UInt8(ascii: " "), from: stamp.end + 1),
            let stream = Stream(line.extracting((stamp.end + 1)..<streamEnd))
        else { return false }
        // Tags are parted by colons; the first says whether the line is whole. Behind them is a blank, also before an empty text.
        let tagsEnd = line.firstIndex(of: UInt8(ascii: " "), from: streamEnd + 1) ?? line.count
        guard tagsEnd > streamEnd + 1, tagsEnd == streamEnd + 2 || line[streamEnd + 2] == UInt8(ascii: ":") else { return false }
        switch line[streamEnd + 1] {
        case UInt8(ascii: "F"): isPartial = false
        case UInt8(ascii: "P"): isPartial = true
        default: return false
        }
        self.stream = stream
        line.extracting(min(tagsEnd + 1, line.count)..<line.count).withUnsafeBufferPointer { text.append(contentsOf: $0) }
        return true
    }

    private mutating func readTime(_ text: Span<UInt8>) -> Bool {
        guard let stamp = ISOTime.read(text), stamp.isValid, stamp.offset != nil else { return false }
        time = stamp.timestamp.microseconds
        return true
    }

    // MARK: Docker

    private mutating func readDocker(_ line: Span<UInt8>) throws(MalformedJSON) -> Bool {
        var cursor = JSONCursor(), hasText = false, hasStream = false, hasTime = false
        cursor.skipBlanks(line)
        guard cursor.take(line, UInt8(ascii: "{")) else { return false }
        repeat {
            cursor.skipBlanks(line)
            let name = try cursor.text(line).range
            cursor.skipBlanks(line)
            guard cursor.take(line, UInt8(ascii: ":")) else { return false }
            cursor.skipBlanks(line)
            guard cursor.position < line.count, line[cursor.position] == UInt8(ascii: "\"") else {
                // Such as `attrs`, the labels of the container.
                try Self.skip(line, &cursor, depth: 0)
                cursor.skipBlanks(line)
                continue
            }
            let value = try cursor.text(line)
            switch line.extracting(name) {
            case let key where key.isEqual(to: "log"):
                guard !hasText else { return false }
                hasText = true
                if value.hasEscape {
                    JSONCursor.unescape(line, value.range) { text.append($0) }
                } else {
                    line.extracting(value.range).withUnsafeBufferPointer { text.append(contentsOf: $0) }
                }
            case let key where key.isEqual(to: "stream"):
                guard let stream = Stream(line.extracting(value.range)) else { return false }
                self.stream = stream
                hasStream = true
            case let key where key.isEqual(to: "time"): hasTime = readTime(line.extracting(value.range))
            default: break
            }
            cursor.skipBlanks(line)
        } while cursor.take(line, UInt8(ascii: ","))
        guard cursor.take(line, UInt8(ascii: "}")) else { return false }
        cursor.skipBlanks(line)
        guard cursor.position == line.count, hasText, hasStream, hasTime else { return false }
        isPartial = text.last != 10
        if !isPartial { text.removeLast() }
        if !isPartial, text.last == 13 { text.removeLast() }
        return true
    }

    private static func skip(_ line: Span<UInt8>, _ cursor: inout JSONCursor, depth: Int) throws(MalformedJSON) {
        guard cursor.position < line.count, depth < JSONCursor.maxDepth else { throw cursor.malformed("a value is missing") }
        switch line[cursor.position] {
        case UInt8(ascii: "\""): _ = try cursor.text(line)
        case UInt8(ascii: "t"): try cursor.literal(line, "true")
        case UInt8(ascii: "f"): try cursor.literal(line, "false")
        case UInt8(ascii: "n"): try cursor.literal(line, "null")
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let isObject = line[cursor.position] == UInt8(ascii: "{"), end = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
            cursor.position += 1
            cursor.skipBlanks(line)
            if cursor.take(line, end) { return }
            repeat {
                cursor.skipBlanks(line)
                if isObject {
                    _ = try cursor.text(line)
                    cursor.skipBlanks(line)
                    guard cursor.take(line, UInt8(ascii: ":")) else { throw cursor.malformed("a ':' is missing") }
                    cursor.skipBlanks(line)
                }
                try skip(line, &cursor, depth: depth + 1)
                cursor.skipBlanks(line)
            } while cursor.take(line, UInt8(ascii: ","))
            guard cursor.take(line, end) else { throw cursor.malformed("the end of a list or object is missing") }
        default: _ = try cursor.number(line)
        }
    }
}
