import Columns

/// Events derived from others, step by step.
public struct StreamDefinition: Sendable, Hashable {
    public var name: String
    /// An input, or a stream or table of windows that stands above.
    public var from: String
    public var steps: [Step]
    /// The gold table that its rows are written to; nil keeps them to the streams and windows that read from it.
    public var table: String?

    public init(name: String, from: String, steps: [Step], table: String? = nil) {
        self.name = name
        self.from = from
        self.steps = steps
        self.table = table
    }

    var signature: String { "stream \(name) \(from) \(table ?? "") \(steps.map(\.stage.signature))" }
}
