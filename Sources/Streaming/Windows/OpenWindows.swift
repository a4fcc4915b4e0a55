/// How many groups the open windows of a pipeline have, and which windows give way when these are too many.
///
/// The watermark bounds how many windows are open only while times are what they should be: lines with times far ahead open a
/// window each, and a partition that is days behind keeps those of all others open. What is furthest ahead gives way then:
/// its rows are given before their time, so nothing is lost, those that are next in turn stay whole, and who writes times of
/// the future splits windows of the future alone.
struct OpenWindows {
    /// What is freed at once, so that it is not looked for again with every batch.
    private static let kept = 0.75

    /// From which start on the windows give way, so that three quarters of `limit` groups are left; nil while there is room.
    ///
    /// - Complexity: O(n log n) in the number of open windows, when there are too many groups.
    static func cut(_ windows: [WindowedAggregation], limit: Int) -> Int64? {
        let count = windows.reduce(0) { $0 + $1.stateRows }
        guard count > limit else { return nil }
        var excess = count - Int(Double(limit) * kept)
        for window in windows.flatMap(\.openWindows).sorted(by: { $0.start > $1.start }) {
            excess -= window.groups
            if excess <= 0 { return window.start }
        }
        return nil
    }
}
