import Columns

/// Events derived from others, step by step.
public struct StreamDefinition: Sendable, Hashable {
    /// Unique among inputs, streams and windows.
    public var name: String
    /// An input, a stream or a table of windows.
    public var from: String
    /// In the order in which rows go through them.
    public var steps: [Step]
    /// The gold table that its rows are written to; nil keeps them to the streams and windows that read from it.
    public var table: String?

    /// A stream; without `table` its rows are only seen by what reads from it.
    public init(name: String, from: String, steps: [Step], table: String? = nil) {
        self.name = name
        self.from = from
        self.steps = steps
        self.table = table
    }

    var signature: String { "stream \(name) \(from) \(table ?? "") \(steps.map(\.stage.signature))" }
}
