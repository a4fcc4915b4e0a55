import Columns
import Detection
@preconcurrency import GRDB

/// A line of evidence.
struct EvidenceRow: PositionalRow {
    static let columns = ["file", "offset", "line", "time", "host"]

    let evidence: Evidence

    init(row: Row) throws {
        var reader = RowReader(row)
        evidence = Evidence(
            file: try reader.next(), offset: try reader.next(), line: try reader.next(), time: try reader.time(),
            host: try reader.optional())
    }
}

/// An entry of a timeline.
struct TimelineRow: PositionalRow {
    static let columns = ["incident", "at", "actor", "kind", "text"]

    let entry: TimelineEntry

    init(row: Row) throws {
        var reader = RowReader(row)
        entry = TimelineEntry(
            incident: try reader.next(), at: try reader.time(), actor: try reader.next(),
            kind: TimelineKind(rawValue: try reader.next()) ?? .note, text: try reader.next())
    }
}
