import Columns

/// Writes a message that came in parts as the one line that syslog has for it.
///
///     2026-11-28T00:00:00.000001Z gate sshd[100]: Failed password …
///
/// It is one line whatever the program wrote: a line end in the message is `#012`, as rsyslog has it, so that nobody can write a
/// header of their own into the log of another program.
public enum SyslogLine {
    /// Names in a header are cut to so many bytes.
    private static let maxNameLength = 255

    /// Appends a line without its end. One that is too long for a line of a format is cut where that is known.
    ///
    /// - Parameters:
    ///   - host: empty where it is not known; then the line has none.
    ///   - program: what would end the name early is `_`.
    ///   - pid: left out where it is not a number.
    public static func append(
        time: Timestamp, host: [UInt8], program: [UInt8], pid: [UInt8], message: Span<UInt8>, to line: inout [UInt8]
    ) {
        let start = line.count
        line += time.description.utf8
        if !host.isEmpty { append(name: host, to: &line) }
        append(name: program, to: &line)
        if (1...10).contains(pid.count), pid.allSatisfy(\.isDigit) {
            line.append(UInt8(ascii: "["))
            line += pid
            line.append(UInt8(ascii: "]"))
        }
        line += ": ".utf8
        append(message: message, to: &line)
        if line.count - start > RawLines.maxLineLength { line.removeLast(line.count - start - RawLines.maxLineLength) }
    }

    /// Appends a message as a part of a line; line ends behind it are left out.
    public static func append(message: Span<UInt8>, to line: inout [UInt8]) {
        var end = message.count
        while end > 0, message[end - 1] == 10 || message[end - 1] == 13 { end -= 1 }
        let text = message.extracting(..<end)
        // Fast path: nearly every message is one line. Safe because nothing keeps the pointer.
        if text.firstIndex(of: 0) == nil, text.firstIndex(of: 10) == nil, text.firstIndex(of: 13) == nil {
            return text.withUnsafeBufferPointer { line.append(contentsOf: $0) }
        }
        for index in text.indices {
            switch text[index] {
            case 0: line += "#000".utf8
            case 10: line += "#012".utf8
            case 13: line += "#015".utf8
            case let byte: line.append(byte)
            }
        }
    }

    private static func append(name: [UInt8], to line: inout [UInt8]) {
        line.append(UInt8(ascii: " "))
        if name.isEmpty { line.append(UInt8(ascii: "_")) }
        for byte in name.prefix(maxNameLength) {
            let isPlain =
                byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: ":") && byte != UInt8(ascii: "[")
                && byte != UInt8(ascii: "]")
            line.append(isPlain ? byte : UInt8(ascii: "_"))
        }
    }
}
