import Foundation

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

    /// Draws at most ten times per second. The total is nil when it is not known, as for standard input.
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
