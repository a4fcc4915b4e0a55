import Columns
import Detection

/// How many events an incident stands for in all, from what findings tell of the sessions of their groups. A session is told of again and again, with more in it each time, and
/// after a crash once more.
struct LineCount: Equatable, Sendable {
    var total = 0
    var sessionStart: Timestamp?
    var sessionTotal = 0
    var lines = LineSet()

    /// - Returns: whether anything was new.
    @discardableResult
    mutating func add(_ finding: Finding) -> Bool {
        let before = total
        if let session = finding.session {
            if let known = sessionStart, session.start < known { return false }
            if session.start != sessionStart { (sessionStart, sessionTotal) = (session.start, 0) }
            total += max(0, session.count - sessionTotal)
            sessionTotal = max(sessionTotal, session.count)
            lines.formUnion(session.lines)
        } else {
            total = max(total, finding.count)
        }
        return total > before
    }

    /// What a new incident begins with while a session goes on that another one stands for until now.
    func continued() -> LineCount {
        LineCount(total: 0, sessionStart: sessionStart, sessionTotal: sessionTotal)
    }

    /// How many events a whole stands for: each line once, however many of its parts matched it.
    ///
    /// - Parameters:
    ///   - most: the most that one part has in all, and `sum` of all parts.
    ///   - lines: of all parts.
    static func united(own: LineCount, most: Int, sum: Int, lines: LineSet) -> Int {
        var union = own.lines
        union.formUnion(lines)
        // Of posted alerts and models no lines are known; then each stands for itself.
        guard !union.isEmpty else { return own.total + sum }
        return min(max(union.count, own.lines.isEmpty ? 0 : own.total, most), own.total + sum)
    }
}
