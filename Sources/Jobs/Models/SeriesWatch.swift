import Columns
import Detection
import Foundation

/// `obs model watch`: a line of `timestamp,value` in, a score out.
public struct SeriesWatch: Sendable {
    private var detector = SeriesDetector()
    private var isFirst = true

    /// Before the first line.
    public init() {}

    /// Nil for a first line that is not a number: the headings. Any other such line has the score 0, so that there is one score
    /// per row.
    public mutating func score(_ line: String) -> Double? {
        defer { isFirst = false }
        let text = OutsideText(line).split { $0 == "," }.last ?? ""
        guard let value = Double(OutsideText(text).trimmed) else { return isFirst ? nil : 0 }
        return detector.observe(value)
    }
}
