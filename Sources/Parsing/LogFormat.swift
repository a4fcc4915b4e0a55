import Columns
import Foundation

/// What a format must know that the lines do not say.
public struct ParsingContext: Sendable, Hashable, Codable {
    /// The year of the first line of each file whose stamps lack one; nil infers it from when the line arrived.
    public var year: Int?
    /// The zone of stamps that lack one.
    public var timeZone: TimeZone

    public init(year: Int? = nil, timeZone: TimeZone = .current) {
        self.year = year
        self.timeZone = timeZone
    }
}

/// A way to understand lines: raw lines in, typed events out, and a reason for each line that is neither.
///
/// One value reads the lines of one pipeline in the order in which they stand in their files, from one task at a time. It opens no file
/// and asks no clock: the same lines in the same order give the same events.
public protocol LogFormat: Sendable {
    /// The name in `format:` of a pipeline.
    static var name: String { get }
    /// The columns of the events.
    static var schema: Schema { get }
    /// Lines that show what the format reads: for `obs check`, the documentation and the tests.
    static var samples: [String] { get }

    init(context: ParsingContext)

    /// The events and rejected lines of a batch of ``RawLines``. Every line is in exactly one of the two.
    mutating func parse(_ lines: Batch) -> ParsedBatch

    /// What the format remembers between batches, for a checkpoint.
    var state: Data { get throws }
    /// Goes on from a state that ``state`` gave.
    mutating func restore(_ state: Data) throws
}

/// What a format makes of one batch of raw lines.
public struct ParsedBatch: Sendable {
    public let events: Batch
    /// For each event the row of its line in the batch that was parsed.
    public let lineRows: [Int32]
    public let rejected: [RejectedLine]

    public init(events: Batch, lineRows: [Int32], rejected: [RejectedLine]) {
        self.events = events
        self.lineRows = lineRows
        self.rejected = rejected
    }
}

/// A line that no event could be made of.
public struct RejectedLine: Sendable, Hashable {
    public let row: Int
    public let reason: RejectionReason

    public init(row: Int, reason: RejectionReason) {
        self.row = row
        self.reason = reason
    }
}

/// Why a line is in quarantine. The list is closed, because it is also the label of a metric.
public enum RejectionReason: String, Error, Sendable, CaseIterable, Codable {
    case emptyLine = "empty_line"
    /// The line does not begin as the format's lines do.
    case unreadableHeader = "unreadable_header"
    /// The header's time is no time, such as the 31st of February.
    case badTimestamp = "bad_timestamp"
    /// The header is fine, but the grammar has no entry for the message.
    case unknownMessage = "unknown_message"
    /// A value is missing or of the wrong type.
    case badValue = "bad_value"
    /// An expectation of the pipeline did not hold.
    case expectation
    case lineTooLong = "line_too_long"
}

/// The log formats that obs reads. A new format is a file in `Formats` and a line here.
public enum LogFormats {
    public static let all: [any LogFormat.Type] = [SSHD.self]

    public static func named(_ name: String) -> (any LogFormat.Type)? {
        all.first { $0.name == name }
    }
}
