/// The command was called wrongly: exit code 2.
public struct UsageError: Error, CustomStringConvertible {
    /// The sentence that the command line prints.
    public let description: String

    /// - Parameter description: one sentence: what is wrong, where, and the way out.
    public init(_ description: String) {
        self.description = description
    }
}
