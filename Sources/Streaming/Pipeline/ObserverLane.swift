import Telemetry

/// Notifies the observers of a pipeline of one thing after another, while the pipeline works on what comes next.
///
/// What observers keep waits for a disk; the batch behind need not. The number of notifications under way is bounded, so that
/// slow observers slow the pipeline down: two batches, each with its events and its windows.
actor ObserverLane {
    typealias Notification = @Sendable (any PipelineObserver) async throws -> Void

    let observers: [any PipelineObserver]
    private var underWay: [Task<Void, any Error>] = []

    private static let limit = 4

    init(_ observers: [any PipelineObserver]) {
        precondition(Set(observers.map { type(of: $0).name }).count == observers.count, "two observers have one name")
        self.observers = observers
    }

    /// Begins a notification as soon as all earlier ones have ended.
    ///
    /// - Throws: what an observer threw in an earlier one; no other is begun after that.
    func notify(_ meter: StageMeter, rows: Int, _ notification: @escaping Notification) async throws {
        guard !observers.isEmpty else { return }
        if underWay.count == Self.limit { try await underWay.removeFirst().value }
        let before = underWay.last
        underWay.append(
            Task { [observers] in
                try await before?.value
                let start = ContinuousClock.now
                for observer in observers { try await notification(observer) }
                meter.record(StageCounts(ok: rows), took: .now - start)
            })
    }

    /// Waits until no notification is under way.
    func settle() async throws {
        try await underWay.last?.value
        underWay = []
    }

    /// Waits until no notification is under way, and forgets what went wrong: the epoch at hand is dropped.
    func abandon() async {
        for task in underWay { task.cancel() }
        _ = await underWay.last?.result
        underWay = []
    }
}
