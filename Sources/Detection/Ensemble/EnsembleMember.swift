/// One of the detectors that a ``RowDetector`` consists of. A new one is a file in this folder and a line in
/// ``RowDetector/members``.
///
/// Its scores need no common scale, because the ensemble standardises them; they must be finite for every row.
protocol EnsembleMember: Sendable {
    /// Writes how unusual each row of `block` is; higher is more unusual.
    ///
    /// - Parameter scores: one per lane of the block.
    func score(_ block: RowBlock, into scores: inout [Float])

    /// Adds each feature's part in the score of one row to `parts`, in any unit, but never less than nothing.
    func addParts(_ row: [Float], to parts: inout [Float])
}
