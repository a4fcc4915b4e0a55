/// A source whose lines are redacted before anybody sees them.
package struct RedactedSource: Source {
    private let source: any Source
    private let redactor: LineRedactor

    package init(_ source: any Source, _ redactor: LineRedactor) {
        self.source = source
        self.redactor = redactor
    }

    package var name: String { source.name }
    package var partitions: [String] { source.partitions }

    /// See ``Source/run(from:deliver:)``. Ends with an error when the key cannot be had: the lines are read again later.
    package func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        try await source.run(from: position) { chunk in
            try await deliver(chunk.with(lines: redactor.redact(chunk.lines)))
        }
    }
}
