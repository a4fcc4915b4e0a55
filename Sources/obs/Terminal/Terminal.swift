import Columns
import Foundation
import Query

/// Standard output and standard error: whether they are terminals, and how wide.
enum Terminal {
    static let isOutputTerminal = isatty(STDOUT_FILENO) == 1
    static let isErrorTerminal = isatty(STDERR_FILENO) == 1

    /// Whether output may be colored: it is a terminal, and `NO_COLOR` is not set (no-color.org).
    static var hasColor: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isOutputTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// The columns of the terminal behind `descriptor`; nil if it is not a terminal.
    static func width(of descriptor: Int32 = STDOUT_FILENO) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        return size(of: descriptor).map { Int($0.ws_col) } ?? 80
    }

    /// The lines that a table may take on the terminal: at least 5, and 24 where the terminal does not say.
    ///
    /// - Parameter rows: what the terminal says.
    static func height(_ rows: Int? = size(of: STDOUT_FILENO).map { Int($0.ws_row) }) -> Int { max(5, rows ?? 24) }

    private static func size(of descriptor: Int32) -> winsize? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return size
    }

    /// Writes an answer in the chosen format, and its note to standard error.
    static func show(_ answer: Answer, as format: OutputFormat, isQuiet: Bool = false) {
        write(answer.shown(as: format, terminalWidth: width(), hasColor: hasColor))
        if let note = answer.note, !isQuiet { say(note) }
    }

    /// Clears the screen.
    static func clear() { write("\u{1B}[H\u{1B}[2J") }

    /// Writes data to standard output. When its reader has left (`obs parse FILE | head`), the program ends with success.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            let failure = bytes.span.writeAll(to: STDOUT_FILENO)
            if failure != 0 { Foundation.exit(failure == EPIPE ? 0 : 3) }
        }
    }

    /// JSON or lines of text without characters that could drive a terminal.
    static func shown(_ text: String, isJSON: Bool) -> String {
        isJSON ? OutsideText(text).visibleJSON : OutsideText(OutsideText(text).replacing("\r\n", with: "\n")).visible
    }

    /// Writes JSON to standard output; on a terminal characters that could drive it are escaped, so that it is the same JSON.
    static func write(json text: String) { write(isOutputTerminal ? OutsideText(text).visibleJSON : text) }

    /// Writes one line for people to standard error.
    static func say(_ text: String) {
        let shown = isErrorTerminal ? OutsideText(text).visible : text
        try? FileHandle.standardError.write(contentsOf: Data("obs: \(shown)\n".utf8))
    }
}
