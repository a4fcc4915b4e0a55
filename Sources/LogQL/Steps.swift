import Columns

/// The points in time at which numbers are asked for: `start`, and one each `step` up to `end`.
package struct Steps: Sendable, Equatable {
    /// The first one.
    package let start: Timestamp
    /// In microseconds; 0 for one point alone.
    package let step: Int64
    /// How many there are.
    package let count: Int

    /// The most points of an answer, as Prometheus and Loki have it.
    package static let maxCount = 11_000

    /// One point.
    package init(at time: Timestamp) {
        start = time
        step = 0
        count = 1
    }

    /// - Throws: ``LogQLError/tooMuch(_:)``; ``LogQLError/malformed(_:at:)`` for a step that is none.
    package init(from start: Timestamp, to end: Timestamp, step: Duration) throws(LogQLError) {
        let (seconds, attoseconds) = step.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        guard microseconds > 0 else { throw .malformed("the step is not longer than nothing", at: 0) }
        guard end >= start else { throw .malformed("the end is before the start", at: 0) }
        let (distance, isTooFar) = end.microseconds.subtractingReportingOverflow(start.microseconds)
        guard !isTooFar, distance / microseconds < Self.maxCount else {
            throw .tooMuch("the range has more than \(Self.maxCount) points at this step; ask for a longer step")
        }
        self.start = start
        self.step = microseconds
        count = Int(distance / microseconds) + 1
    }

    /// The points in microseconds since 1970.
    package func time(_ index: Int) -> Int64 { start.microseconds + Int64(index) * step }

    /// Those whose range, which ends at the point and has its beginning left out, has the time in it.
    func indices(of time: Int64, range: Int64, offset: Int64) -> Range<Int> {
        let first = time + offset - start.microseconds
        // start + i * step >= time + offset, and start + i * step < time + offset + range
        guard step > 0 else { return first <= 0 && first + range > 0 ? 0..<1 : 0..<0 }
        let low = first <= 0 ? 0 : (first + step - 1) / step
        let behind = first + range
        let high = behind <= 0 ? 0 : (behind + step - 1) / step
        let from = min(Int64(count), low), to = min(Int64(count), high)
        return from < to ? Int(from)..<Int(to) : 0..<0
    }
}
