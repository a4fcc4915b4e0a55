import Jobs
import Columns
import Foundation
import Ingest
import Parsing
import Streaming
import Telemetry

/// A source of which it is noted when lines come.
struct WatchedSource: Source {
    let source: any Source
    let watch: SourceWatch

    var name: String { source.name }
    var partitions: [String] { source.partitions }

    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        watch.note(name) { $0.begin() }
        try await source.run(from: position) { chunk in
            if !chunk.lines.isEmpty {
                let now = Timestamp.now
                watch.note(name) { $0.hear(now: now) }
            }
            try await deliver(chunk)
        }
        if !Task.isCancelled { watch.note(name) { $0.end() } }
    }
}

/// Notes which sources a pipeline understands.
struct SourceObserver: PipelineObserver {
    static let name = "sources"

    let watch: SourceWatch

    func observe(_ parsed: ParsedBatch, lines: Batch, input: String) {
        // All lines of a batch are of one source.
        guard !lines.isEmpty, let name = lines["source"]?.string(at: 0) else { return }
        let now = Timestamp.now
        watch.note(name) { $0.note(events: parsed.events.count, rejected: parsed.rejected.count, now: now) }
    }

    func observe(gold: Batch, table: String) {}
}
