import Columns
import Detection

/// How many events an incident has in all, counted from the sessions that findings report. A session is reported
/// again and again, with more in it each time, and after a crash once more.
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
            if let known = sessionStart, session.start < known {
                // A late event may make a session begin earlier; a session that was over before is known.
                guard finding.lastSeen >= known else { return false }
                sessionStart = session.start
            }
            if session.start != sessionStart { (sessionStart, sessionTotal) = (session.start, 0) }
            total += max(0, session.count - sessionTotal)
            sessionTotal = max(sessionTotal, session.count)
            lines.formUnion(session.lines)
        } else {
            total = max(total, finding.count)
        }
        return total > before
    }

    /// What a new incident begins with while a session continues whose events so far belong to another incident.
    func continued() -> LineCount {
        LineCount(total: 0, sessionStart: sessionStart, sessionTotal: sessionTotal)
    }

    /// How many events a parent has with its children: each line once, however many of them matched it.
    ///
    /// - Parameters:
    ///   - most: the most that one child has in all, and `sum` of all children.
    ///   - lines: of all children.
    static func united(own: LineCount, most: Int, sum: Int, lines: LineSet) -> Int {
        var union = own.lines
        union.formUnion(lines)
        // Posted alerts and models have no lines; then each counts for itself.
        guard !union.isEmpty else { return own.total + sum }
        return min(max(union.count, own.lines.isEmpty ? 0 : own.total, most), own.total + sum)
    }
}
