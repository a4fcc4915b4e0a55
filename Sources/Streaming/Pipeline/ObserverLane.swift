import Telemetry

/// Tells the observers of a pipeline one thing after the other, while the pipeline works on what comes next.
///
/// What observers keep waits for a disk; the batch behind need not. So much may be under way, so that observers
/// who are slow slow the pipeline down: two batches, each with its events and its windows.
actor ObserverLane {
    typealias Telling = @Sendable (any PipelineObserver) async throws -> Void

    let observers: [any PipelineObserver]
    private var underWay: [Task<Void, any Error>] = []

    private static let limit = 4

    init(_ observers: [any PipelineObserver]) {
        self.observers = observers
    }

    /// Begins to tell something once all before it is told.
    ///
    /// - Throws: what an observer threw of something earlier; nothing is told after that.
    func tell(_ meter: StageMeter, rows: Int, _ telling: @escaping Telling) async throws {
        guard !observers.isEmpty else { return }
        if underWay.count == Self.limit { try await underWay.removeFirst().value }
        let before = underWay.last
        underWay.append(
            Task { [observers] in
                try await before?.value
                let start = ContinuousClock.now
                for observer in observers { try await telling(observer) }
                meter.record(StageCounts(ok: rows), took: .now - start)
            })
    }

    /// Waits until all is told.
    func settle() async throws {
        try await underWay.last?.value
        underWay = []
    }

    /// Waits until nothing is under way, and forgets what went wrong: the epoch at hand is dropped.
    func abandon() async {
        for task in underWay { task.cancel() }
        _ = await underWay.last?.result
        underWay = []
    }
}
