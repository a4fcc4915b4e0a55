import Columns

/// What each row of a batch is measured against to say whether it is late.
///
/// In a pipeline it is the watermark of the row's own partition at that row, which does not depend on how rows were cut into
/// batches; `floor` is what the pipeline as a whole has already closed. Spark's micro-batches have one watermark for all rows
/// of an epoch.
struct RowWatermarks: Sendable {
    /// Microseconds, by row; nil where only the floor counts.
    var rows: [Int64]?
    var floor: Int64
    /// Whether a row at the watermark is late: in Spark's epochs it is, because the watermark is that of an epoch before; row
    /// by row it is not, because it would make every second of two equal times late when nothing may be.
    var isInclusive = false

    /// Of the rows of one micro-batch.
    static func epoch(_ watermark: Int64) -> RowWatermarks { RowWatermarks(rows: nil, floor: watermark, isInclusive: true) }

    @inline(__always) func watermark(_ row: Int) -> Int64 {
        guard let rows else { return floor }
        return Swift.max(rows[row], floor)
    }

    /// Whether a window that ends at `end` has closed before the row came.
    @inline(__always) func hasClosed(_ end: Int64, at row: Int) -> Bool { end <= watermark(row) }

    func isLate(_ time: Int64, at row: Int) -> Bool { isInclusive ? time <= watermark(row) : time < watermark(row) }

    func gather(_ kept: [Int]) -> RowWatermarks {
        RowWatermarks(rows: rows.map { all in kept.map { all[$0] } }, floor: floor, isInclusive: isInclusive)
    }
}
