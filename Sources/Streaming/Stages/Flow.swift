import Columns

/// Rows on their way through a pipeline, with what is known of each besides its columns.
struct Flow {
    var batch: Batch
    var watermarks: RowWatermarks
    /// By row, the row of the parsed batch that it came from; nil for rows that were made of several, as by a join or a window.
    var origins: [Int32]?

    var isEmpty: Bool { batch.isEmpty }

    /// The same rows with other columns.
    func with(_ batch: Batch) -> Flow { Flow(batch: batch, watermarks: watermarks, origins: origins) }

    /// The rows `kept`, in that order.
    func gather(_ kept: [Int]) -> Flow {
        Flow(batch: batch.gather(kept), watermarks: watermarks.gather(kept), origins: origins.map { all in kept.map { all[$0] } })
    }

    /// The rows for which `isKept` holds; this flow itself where all are.
    func filter(_ isKept: [Bool]) -> Flow {
        guard isKept.contains(false) else { return self }
        return gather(isKept.indices.filter { isKept[$0] })
    }
}
