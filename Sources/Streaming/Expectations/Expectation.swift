import Columns

/// A named claim about the rows of a pipeline, and what is to happen where it does not hold.
///
///     expect: { name: known_status, in_set: { column: status, values: ["200", "404"] }, action: drop }
public struct Expectation: Sendable, Hashable {
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// The row stays; it is counted.
        case warn
        /// The row goes to quarantine with the reason `expectation`. A claim about an epoch as a whole cannot drop.
        case drop
        /// The epoch is not committed, and the pipeline stops with a sentence.
        case fail
    }

    public enum Check: Sendable, Hashable {
        case notNull(column: String)
        /// A number or nil for an open end; both ends belong to it.
        case range(column: String, from: Double?, to: Double?)
        case inSet(column: String, values: [String])
        /// The whole value matches.
        case matches(column: String, pattern: String)
        /// The same values came before within so much event time.
        case uniqueInWindow(columns: [String], within: Duration)
        /// The event is not older than this when it arrives.
        case freshWithin(Duration)
        /// How many rows an epoch (a batch run, a commit of a stream) has.
        case rowCount(from: Int?, to: Int?)
    }

    public var name: String
    public var check: Check
    public var action: Action

    public init(_ name: String, _ check: Check, action: Action = .warn) {
        self.name = name
        self.check = check
        self.action = action
    }
}
