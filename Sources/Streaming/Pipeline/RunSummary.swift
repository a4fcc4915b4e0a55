extension PipelineRunner {
    /// What a run did.
    public struct Summary: Sendable {
        /// Raw lines read.
        public var lines = 0
        /// Rows of silver tables.
        public var events = 0
        /// Lines and rows that went to quarantine.
        public var quarantined = 0
        /// Rows of gold tables.
        public var windows = 0
        /// Rows that came too late for a window, a join or a step.
        public var late = 0
        /// Rows that a step took out because their key was seen before.
        public var duplicates = 0
        /// Whether it was stopped before its sources had ended; the next run goes on from there.
        public var isInterrupted = false
        /// What went into each stage and came out of it, in the order in which they were first used.
        public private(set) var stages: [StageRows] = []

        /// Nothing done yet.
        public init() {}

        mutating func count(_ stage: String, in rowsIn: Int, out rowsOut: Int) {
            guard rowsIn > 0 || rowsOut > 0 else { return }
            if let index = stages.firstIndex(where: { $0.stage == stage }) {
                stages[index].rowsIn += rowsIn
                stages[index].rowsOut += rowsOut
            } else {
                stages.append(StageRows(stage: stage, rowsIn: rowsIn, rowsOut: rowsOut))
            }
        }
    }

    /// The rows that a stage took in and gave in one run.
    public struct StageRows: Sendable, Equatable {
        /// `parse NAME`, or the name of a table.
        public let stage: String
        /// Rows or lines that it took in.
        public fileprivate(set) var rowsIn: Int
        /// Rows that it gave.
        public fileprivate(set) var rowsOut: Int

        /// The counts of one stage.
        public init(stage: String, rowsIn: Int, rowsOut: Int) {
            self.stage = stage
            self.rowsIn = rowsIn
            self.rowsOut = rowsOut
        }
    }
}
