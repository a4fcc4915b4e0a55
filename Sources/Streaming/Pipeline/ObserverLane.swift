import Telemetry

/// Tells the observers of a pipeline one thing after the other, while the pipeline works on what comes next.
///
/// What observers keep waits for a disk; the batch behind need not. At most two things are under way, so that observers who are slow slow the pipeline down.
actor ObserverLane {
    typealias Telling = @Sendable (any PipelineObserver) async throws -> Void

    let observers: [any PipelineObserver]
    private var older: Task<Void, any Error>?
    private var newer: Task<Void, any Error>?

    init(_ observers: [any PipelineObserver]) {
        self.observers = observers
    }

    /// Begins to tell something once all before it is told.
    ///
    /// - Throws: what an observer threw of something earlier; nothing is told after that.
    func tell(_ meter: StageMeter, rows: Int, _ telling: @escaping Telling) async throws {
        guard !observers.isEmpty else { return }
        try await older?.value
        older = newer
        newer = Task { [before = older, observers] in
            try await before?.value
            let start = ContinuousClock.now
            for observer in observers { try await telling(observer) }
            meter.record(StageCounts(ok: rows), took: .now - start)
        }
    }

    /// Waits until all is told.
    func settle() async throws { try await newer?.value }

    /// Waits until nothing is under way, and forgets what went wrong: the epoch at hand is dropped.
    func abandon() async {
        newer?.cancel()
        _ = await newer?.result
        (older, newer) = (nil, nil)
    }
}
