/// What is wrong with one or more configuration files: every mistake that was found, each with file and line.
public struct ConfigurationError: Error, CustomStringConvertible {
    /// One thing that is wrong in a file.
    public struct Mistake: Sendable, Hashable, CustomStringConvertible {
        /// As it was named.
        public let file: String
        /// From 1; nil when the mistake is about the file as a whole.
        public let line: Int?
        /// What is wrong and what to write, without the place.
        public let message: String

        /// A mistake at a line, or of a file as a whole.
        public init(file: String, line: Int?, message: String) {
            self.file = file
            self.line = line
            self.message = message
        }

        /// `FILE:LINE: message`.
        public var description: String {
            "\(file):\(line.map { "\($0):" } ?? "") \(message)"
        }
    }

    /// At least one, in the order of the files.
    public let mistakes: [Mistake]

    /// Of all mistakes that were found.
    public init(_ mistakes: [Mistake]) {
        self.mistakes = mistakes
    }

    /// One mistake a line, in the order of the file.
    public var description: String {
        mistakes.sorted { ($0.file, $0.line ?? 0) < ($1.file, $1.line ?? 0) }.map(\.description).joined(separator: "\n")
    }
}
