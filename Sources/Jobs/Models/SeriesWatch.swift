import Columns
import Foundation
import Series

/// `obs model watch`: a line of `timestamp,value` in, a score out.
public struct SeriesWatch: Sendable {
    /// The columns of an output that explains.
    public static let heading = "score,expected,low,high,deviations,since,reason"

    private let explains: Bool
    private var detector = SeriesDetector()
    private var isFirst = true

    /// - Parameter explains: whether an output is a row of ``heading`` and not the score alone.
    public init(explains: Bool = false) { self.explains = explains }

    /// What is said of a line. The value is its last field; the first one, where there are two, is the time: as ISO 8601 has it
    /// (UTC where no zone is written), or in seconds since 1970.
    ///
    /// - Returns: nil for a first line that does not end in a number: the headings. Any other such line has the score 0, so that
    ///   there is an output per row.
    public mutating func output(for line: String) -> String? {
        defer { isFirst = false }
        let fields = OutsideText(line).split { $0 == "," }
        let value = Double(OutsideText(fields.last ?? "").trimmed)
        if value == nil, isFirst { return nil }
        let time = fields.count > 1 ? Self.time(OutsideText(fields[0]).trimmed) : nil
        let reading = detector.observe(value ?? .nan, at: time)
        return explains ? Self.row(reading) : "\(reading.score)"
    }

    private static func time(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        if let time = ISOTime.read(bytes.span, canLackSeconds: true), time.isValid { return time.timestamp }
        guard let seconds = Double(text), seconds.magnitude < 1e12 else { return nil }
        return Timestamp(microseconds: Int64((seconds * 1e6).rounded()))
    }

    private static func row(_ reading: SeriesReading) -> String {
        let numbers = [reading.score, reading.expected, reading.low, reading.high].map { "\($0)" }.joined(separator: ",")
        guard let reason = reading.reason else { return numbers + ",,," }
        return "\(numbers),\(reading.deviations),\(reading.since.map { "\($0)" } ?? ""),\(reason)"
    }
}
