import Columns
import Foundation
import Ingest
import Parsing
import ServiceLifecycle

/// The format of one partition, as it is behind the lines that were worked on.
struct PartitionFormat: Sendable {
    var input: Int
    var format: any LogFormat
    /// When it was last used, so that those of files long read can be forgotten.
    var lastEpoch: Int64
}

/// The first half of a run: reads the sources, and parses their lines ahead of the work on them.
///
///     sources ─▶ arrivals ─▶ one task per chunk ─▶ jobs, in the order of arrival
///
/// The jobs of one partition wait for each other, because a format goes on where the lines before have left it. A record of
/// several lines,
/// such as an event with its stack trace, has no mark at its end. It is complete when the next one begins, or else
///
/// | when | mode |
/// |---|---|
/// | its partition has ended | batch |
/// | nothing came in its partition for `flushAfter` | stream |
/// | a later run finds nothing more in its partition | available |
struct PipelineIntake: Sendable {
    enum Delivery: Sendable {
        case job(ParsingJob)
        /// The source has no more.
        case ended(String)
        /// It was stopped before its end.
        case interrupted
    }

    /// Batches that may wait at each of the two places: one being made, one waiting, one being worked on.
    private static let queueCapacity = 1

    /// A source with the place of its input among those of the definition.
    struct Feed: Sendable {
        var source: any Source
        var input: Int
        var position: SourcePosition?
    }

    let feeds: [Feed]
    let mode: PipelineRunner.Mode
    /// By partition, the format as the checkpoint has it.
    let known: [String: PartitionFormat]
    /// By input the format that a partition begins with.
    let fresh: [any LogFormat]
    let flushAfter: Duration
    /// What is to be worked on.
    let jobs = PipelineChannel<Delivery>(capacity: queueCapacity)
    private let arrivals = PipelineChannel<Delivery>(capacity: queueCapacity)

    init(
        _ feeds: [Feed], mode: PipelineRunner.Mode, known: [String: PartitionFormat], fresh: [any LogFormat], flushAfter: Duration
    ) {
        self.feeds = feeds
        self.mode = mode
        self.known = known
        self.fresh = fresh
        self.flushAfter = flushAfter
    }

    /// Runs until the sources end or the service is to stop: lines that they have sent by then are still parsed and go to
    /// ``jobs``.
    ///
    /// - Throws: the error of a source.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await parse() }
            do {
                try await cancelWhenGracefulShutdown {
                    try await withThrowingTaskGroup(of: Void.self) { readers in
                        for feed in feeds { readers.addTask { try await read(feed) } }
                        try await readers.waitForAll()
                    }
                }
            } catch {
                await arrivals.finish()
                throw error
            }
            await arrivals.finish()
            try await group.waitForAll()
        }
    }

    /// Says that nobody works on the jobs any more.
    func abandon() async {
        await arrivals.abandon()
        await jobs.abandon()
    }

    private func read(_ feed: Feed) async throws {
        let source = feed.source
        do {
            try await source.run(from: feed.position) { chunk in
                // A run over the existing files is one of many: its files are the next part of the source, not partitions that
                // end.
                let job = ParsingJob(
                    source: source.name, input: feed.input, watermarkKey: mode == .available ? "" : chunk.partition,
                    ends: mode == .batch && chunk.endsPartition, chunk)
                await arrivals.send(.job(job))
            }
        } catch {
            // What was good before it is worked on and committed; the windows wait for the rest.
            await arrivals.send(.interrupted)
            throw error
        }
        await arrivals.send(Task.isCancelled ? .interrupted : .ended(source.name))
    }

    // MARK: Parsing

    /// Where the parsing of a partition is whose format keeps records open.
    private struct Tail {
        var source: String
        var input: Int
        /// Whether lines came in this run; if not, the format is that of the checkpoint.
        var isHeard = true
        var lastHeard = ContinuousClock.now
        /// Whether lines have come since the format was last asked for what it keeps.
        var isOpen = true
    }

    /// Starts a task for each chunk as soon as there is room behind it.
    private func parse() async {
        // A group that keeps results would keep one of each chunk for as long as the stream runs.
        await withDiscardingTaskGroup { parsers in
            var last: [String: ParsingJob] = [:]
            var tails = restoredTails()
            func start(_ job: ParsingJob) async {
                await jobs.send(.job(job))
                let previous = last[job.partition]
                last[job.partition] = job.endsPartition ? nil : job
                let format = known[job.partition]?.format ?? fresh[job.input]
                parsers.addTask { await job.run(behind: previous, orWith: format) }
            }
            func flush(where isDue: (Tail) -> Bool) async {
                for (partition, tail) in tails.sorted(by: { $0.key < $1.key }) where tail.isOpen && isDue(tail) {
                    tails[partition]!.isOpen = false
                    await start(
                        ParsingJob(
                            flushing: partition, of: tail.source, input: tail.input,
                            watermarkKey: mode == .available ? tail.source : partition))
                }
            }
            while true {
                // Formats whose records are lines need no alarm.
                let deadline = mode == .stream ? tails.values.filter(\.isOpen).map { $0.lastHeard + flushAfter }.min() : nil
                switch await arrivals.receive(until: deadline) {
                case .element(.job(let job)):
                    if job.chunk?.lines.isEmpty == false, type(of: fresh[job.input]).keepsRecords {
                        tails[job.partition] = Tail(source: job.source, input: job.input)
                    }
                    await start(job)
                case .element(.ended(let source)):
                    if mode == .available { await flush { $0.source == source && !$0.isHeard } }
                    await jobs.send(.ended(source))
                case .element(.interrupted): await jobs.send(.interrupted)
                case .timedOut: break
                case .finished:
                    await jobs.finish()
                    return
                }
                // Also while other partitions keep it busy.
                let now = ContinuousClock.now
                if let deadline, now >= deadline { await flush { now - $0.lastHeard >= flushAfter } }
            }
        }
    }

    /// What a checkpoint holds open waits from now on.
    private func restoredTails() -> [String: Tail] {
        var tails: [String: Tail] = [:]
        for (partition, entry) in known where type(of: entry.format).keepsRecords {
            guard let source = feeds.map(\.source.name).first(where: { partition == $0 || partition.hasPrefix($0 + "/") }) else {
                continue
            }
            tails[partition] = Tail(source: source, input: entry.input, isHeard: false)
        }
        return tails
    }
}
