import Columns
import Parsing

/// Cuts a stream of syslog messages, as senders write it to a TCP connection, into lines.
///
///     <38>1 2026-11-28T00:00:00Z gate sshd 1 - - text␊       a message ends with its line
///     53 <38>1 2026-11-28T00:00:00Z gate sshd 1 - - a␊b      its length comes first, and it may have line ends in it
///
/// Each message shows which of the two it is, as senders may mix them: a length begins with a digit, a message does not.
///
/// Source: RFC 6587 §3.4.1, §3.4.2.
struct SyslogFraming {
    /// A message that is longer is cut here: what follows is passed over and counted.
    static let maxLength = 64 << 10
    /// A number with more digits is not a length.
    static let maxDigits = 7

    /// A length that is not a number: what follows could be anything, so that the connection has to end.
    struct Damaged: Error {}

    private enum State {
        /// At the start of a message.
        case start
        case line
        case length(digits: Int, Int)
        /// So many bytes are still to come.
        case counted(Int)
    }

    private var state = State.start
    /// What came of the message so far, as far as it is kept.
    private var message: [UInt8] = []
    /// How many messages were cut.
    private(set) var cut = 0

    /// Takes what came next, and appends the messages that it completes, each as a line with its end.
    mutating func take(_ bytes: Span<UInt8>, into lines: inout [UInt8]) throws(Damaged) {
        lines.reserveCapacity(lines.count + bytes.count + 64)
        var at = 0
        while at < bytes.count {
            switch state {
            case .start:
                // Fast path: a whole message that ends with its line, which needs no copy in between.
                if bytes[at] == UInt8(ascii: "<"), let end = bytes.firstIndex(of: 10, from: at) {
                    Self.append(bytes.extracting(at..<end), to: &lines, cut: &cut)
                    at = end + 1
                } else {
                    begin(bytes[at], &at)
                }
            case .length(let digits, let length):
                let byte = bytes[at]
                at += 1
                if byte == UInt8(ascii: " ") {
                    state = .counted(length)
                } else {
                    guard byte.isDigit, digits < Self.maxDigits else { throw Damaged() }
                    state = .length(digits: digits + 1, length * 10 + Int(byte - UInt8(ascii: "0")))
                }
            case .counted(let length):
                let piece = min(length, bytes.count - at)
                if piece == length, message.isEmpty {
                    Self.append(bytes.extracting(at..<(at + piece)), to: &lines, cut: &cut)
                    state = .start
                } else {
                    keep(bytes.extracting(at..<(at + piece)))
                    state = .counted(length - piece)
                    if piece == length { end(&lines) }
                }
                at += piece
            case .line:
                let end = bytes.firstIndex(of: 10, from: at)
                keep(bytes.extracting(at..<(end ?? bytes.count)))
                at = end.map { $0 + 1 } ?? bytes.count
                if end != nil { self.end(&lines) }
            }
        }
    }

    /// The connection has ended: a last line without its end is whole.
    mutating func finish(into lines: inout [UInt8]) {
        if case .line = state { end(&lines) }
    }

    private mutating func begin(_ byte: UInt8, _ at: inout Int) {
        switch byte {
        // What is left between messages: some senders end a counted message with a line end that they did not count, or a NUL.
        case 0, 10, 13, UInt8(ascii: " "): at += 1
        case UInt8(ascii: "1")...UInt8(ascii: "9"): state = .length(digits: 0, 0)
        default: state = .line
        }
    }

    private mutating func keep(_ bytes: Span<UInt8>) {
        // One byte more than is kept says that it was cut.
        let kept = min(bytes.count, Self.maxLength + 1 - message.count)
        bytes.extracting(..<kept).withUnsafeBufferPointer { message.append(contentsOf: $0) }
    }

    private mutating func end(_ lines: inout [UInt8]) {
        var isCut = 0
        Self.append(message.span, to: &lines, cut: &isCut)
        cut += isCut
        message.removeAll(keepingCapacity: true)
        state = .start
    }

    /// Appends a message as a line with its end, without the blanks and NULs behind it. An empty one gives nothing.
    static func append(_ message: Span<UInt8>, to lines: inout [UInt8], cut: inout Int) {
        var end = message.count
        while end > 0, isBlank(message[end - 1]) { end -= 1 }
        guard end > 0 else { return }
        if end > maxLength {
            cut += 1
            end = maxLength
        }
        SyslogLine.append(message: message.extracting(..<end), to: &lines)
        lines.append(10)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0 || byte == 10 || byte == 13 || byte == 32 }
}
