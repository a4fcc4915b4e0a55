/// What is wrong with one or more configuration files: every mistake that was found, each with file and line.
public struct ConfigurationError: Error, CustomStringConvertible {
    /// One thing that is wrong in a file.
    struct Mistake: Sendable, Hashable, CustomStringConvertible {
        /// As it was named.
        let file: String
        /// From 1; nil when the mistake is about the file as a whole.
        let line: Int?
        /// What is wrong and what to write, without the place.
        let message: String

        /// A mistake at a line, or of a file as a whole.
        init(file: String, line: Int?, message: String) {
            self.file = file
            self.line = line
            self.message = message
        }

        /// `FILE:LINE: message`.
        var description: String {
            "\(file):\(line.map { "\($0):" } ?? "") \(message)"
        }
    }

    /// At least one, in the order of the files.
    let mistakes: [Mistake]
    /// How many mistakes were found.
    public var count: Int { mistakes.count }

    /// Of all mistakes that were found.
    init(_ mistakes: [Mistake]) {
        self.mistakes = mistakes
    }

    /// One mistake a line, in the order of the file.
    public var description: String {
        mistakes.sorted { ($0.file, $0.line ?? 0) < ($1.file, $1.line ?? 0) }.map(\.description).joined(separator: "\n")
    }
}
