import Columns
import Foundation

/// The export format of systemd's journal (`journalctl -o export`), which has a line for each field and values of any bytes, as
/// the lines that `journalctl -o json` would have written. To the readers of files it is one more form of compression.
///
///     __CURSOR=s=76…;i=1;…           {"__CURSOR":"s=76…;i=1;…","MESSAGE":[97,10,255]}
///     MESSAGE
///     <3 as 8 bytes>a␊\xff
///     (an empty line)
///
/// Source: systemd, "Journal Export Formats".
final class JournalExport: Decompressor {
    private enum State {
        case line
        /// Behind the name of a field whose value may have any bytes.
        case length(name: [UInt8])
        case value(name: [UInt8], count: Int)
    }

    /// The largest value, so that a damaged length cannot fill the memory. systemd takes none larger than 768 MB, and writes none
    /// larger than a few KB.
    static let maxValueLength = 64 << 20
    /// systemd's limit.
    private static let maxNameLength = 64

    private var state = State.line
    /// What came of a line or value that is not at its end.
    private var part: [UInt8] = []
    private var isInsideEntry = false
    /// Text that was made and not given yet.
    private var text: [UInt8] = []
    private var given = 0
    private var problem: String?

    var mayEnd: Bool {
        guard case .line = state else { return false }
        return part.isEmpty && !isInsideEntry && given == text.count
    }

    func decompress(_ input: UnsafeBufferPointer<UInt8>, isEnd: Bool, into output: UnsafeMutableBufferPointer<UInt8>)
        -> DecompressionStep
    {
        var step = DecompressionStep()
        while true {
            let count = min(text.count - given, output.count - step.written)
            if count > 0 {
                // Safe because the count is limited to the room.
                text[given..<(given + count)].withUnsafeBufferPointer { from in
                    _ = UnsafeMutableBufferPointer(rebasing: output[step.written..<(step.written + count)]).update(from: from)
                }
                given += count
                step.written += count
            }
            guard given == text.count else { return step }
            text.removeAll(keepingCapacity: true)
            given = 0
            if let problem {
                step.problem = problem
                return step
            }
            guard step.consumed < input.count else { break }
            step.consumed += take(UnsafeBufferPointer(rebasing: input[step.consumed...]))
        }
        // The empty line behind the last entry may be missing.
        if isEnd, case .line = state, part.isEmpty, isInsideEntry {
            endEntry()
            let rest = decompress(
                UnsafeBufferPointer(start: nil, count: 0), isEnd: false, into: .init(rebasing: output[step.written...]))
            step.written += rest.written
        }
        return step
    }

    /// Takes one line, length or value, or the part of it that has come; gives its number of bytes.
    private func take(_ input: UnsafeBufferPointer<UInt8>) -> Int {
        switch state {
        case .line:
            let end = input.firstIndex(of: 10)
            part += input[..<(end ?? input.count)]
            guard part.count <= Self.maxValueLength else { return fail(input.count, "a field is larger than 64 MB") }
            guard let end else { return input.count }
            takeLine()
            return end + 1
        case .length(let name):
            let count = min(8 - part.count, input.count)
            part += input[..<count]
            guard part.count == 8 else { return count }
            let length = part.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            part.removeAll(keepingCapacity: true)
            guard length <= UInt64(Self.maxValueLength) else { return fail(count, "a field is larger than 64 MB") }
            state = .value(name: name, count: Int(length))
            return count
        case .value(let name, let length):
            // A line end follows the value.
            let count = min(length + 1 - part.count, input.count)
            part += input[..<count]
            guard part.count == length + 1 else { return count }
            guard part.removeLast() == 10 else { return fail(count, "the journal export is damaged") }
            append(name: name[...], value: part[...])
            part.removeAll(keepingCapacity: true)
            state = .line
            return count
        }
    }

    private func takeLine() {
        defer { part.removeAll(keepingCapacity: true) }
        guard !part.isEmpty else { return endEntry() }
        let end = part.firstIndex(of: UInt8(ascii: "=")) ?? part.count
        let name = part[..<end]
        guard (1...Self.maxNameLength).contains(name.count), name.allSatisfy(Self.isNameByte) else {
            problem = "the journal export is damaged"
            return
        }
        if end < part.count {
            append(name: name, value: part[(end + 1)...])
        } else {
            state = .length(name: Array(name))
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isDigit || (0x41...0x5A).contains(byte) || byte == UInt8(ascii: "_")
    }

    private func append(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        text.append(isInsideEntry ? UInt8(ascii: ",") : UInt8(ascii: "{"))
        isInsideEntry = true
        text.append(UInt8(ascii: "\""))
        text += name
        text += "\":".utf8
        if let valid = String(validating: value, as: UTF8.self) {
            text += JSONText.quote(valid).utf8
        } else {
            text.append(UInt8(ascii: "["))
            for (index, byte) in value.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                text += String(byte).utf8
            }
            text.append(UInt8(ascii: "]"))
        }
    }

    private func endEntry() {
        if isInsideEntry { text += "}\n".utf8 }
        isInsideEntry = false
    }

    private func fail(_ consumed: Int, _ reason: String) -> Int {
        problem = reason
        part = []
        return consumed
    }
}
