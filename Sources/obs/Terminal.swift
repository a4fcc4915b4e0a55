import Columns
import Foundation
import Query

/// What standard output and standard error are, and how wide.
enum Terminal {
    static let isOutputTerminal = isatty(STDOUT_FILENO) == 1
    static let isErrorTerminal = isatty(STDERR_FILENO) == 1

    /// Whether output may be coloured: a terminal, and nobody said `NO_COLOR` (no-color.org).
    static var hasColor: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isOutputTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// The columns of the terminal behind `descriptor`, or nil if it is none.
    static func width(of descriptor: Int32 = STDOUT_FILENO) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        return size(of: descriptor).map { Int($0.ws_col) } ?? 80
    }

    /// The lines of the terminal, or what is usual where it does not say.
    static func height() -> Int { max(5, size(of: STDOUT_FILENO).map { Int($0.ws_row) } ?? 24) }

    private static func size(of descriptor: Int32) -> winsize? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return size
    }

    /// Writes an answer in the chosen format, and its note to standard error.
    static func show(_ answer: Answer, as format: OutputFormat, isQuiet: Bool = false) {
        write(Renderer(format: format, terminalWidth: width(), hasColor: hasColor).render(answer))
        if let note = answer.note, !isQuiet { say(note) }
    }

    /// Begins at the top of an empty screen.
    static func clear() { write("\u{1B}[H\u{1B}[2J") }

    /// Writes data to standard output. When its reader has gone (`obs parse FILE | head`) there is nobody to write for: the program ends, well.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            // Safe because each write gets the number of bytes that are left.
            while written < bytes.count {
                let count = Foundation.write(STDOUT_FILENO, bytes.baseAddress! + written, bytes.count - written)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { Foundation.exit(errno == EPIPE ? 0 : 3) }
                written += count
            }
        }
    }

    /// JSON or lines of text as a terminal shows them: nothing in them drives it.
    static func shown(_ text: String, isJSON: Bool) -> String {
        isJSON ? OutsideText(text).visibleJSON : OutsideText(OutsideText(text).replacing("\r\n", with: "\n")).visible
    }

    /// Writes JSON to standard output; on a terminal nothing in its texts can drive it, and it is the same JSON.
    static func write(json text: String) { write(isOutputTerminal ? OutsideText(text).visibleJSON : text) }

    /// One line of words beside the data.
    static func say(_ text: String) {
        let shown = isErrorTerminal ? OutsideText(text).visible : text
        try? FileHandle.standardError.write(contentsOf: Data("obs: \(shown)\n".utf8))
    }
}

/// A progress bar on standard error; silent when that is not a terminal.
///
///     parsing  ████████████░░░░░░░░  61 %  67 of 110 MB  312 MB/s
final class ProgressBar: @unchecked Sendable {
    // Safe because every use of the fields below holds the lock.
    private let lock = NSLock()
    private let label: String
    private let isShown: Bool
    private let start = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?

    init(_ label: String, isQuiet: Bool = false) {
        self.label = label
        isShown = Terminal.isErrorTerminal && !isQuiet
    }

    /// Draws at most ten times per second. A total of nil is not known, as for standard input.
    func update(bytes: Int64, of total: Int64?) {
        guard isShown else { return }
        lock.withLock {
            let now = ContinuousClock.now
            if let lastDrawn, now - lastDrawn < .milliseconds(100), bytes != total { return }
            lastDrawn = now
            let elapsed = max(
                0.001, Double((now - start).components.seconds) + Double((now - start).components.attoseconds) / 1e18)
            let rate = "\(Int(Double(bytes) / elapsed / 1e6)) MB/s"
            var line = "\r\u{1B}[K\(label)  "
            if let total, total > 0 {
                let share = min(1, Double(bytes) / Double(total))
                let filled = Int(share * 20)
                line += String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
                line += "  \(Int(share * 100)) %  \(bytes / 1_000_000) of \(total / 1_000_000) MB  \(rate)"
            } else {
                line += "\(bytes / 1_000_000) MB  \(rate)"
            }
            try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
        }
    }

    func finish() {
        guard isShown else { return }
        try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K".utf8))
    }
}
