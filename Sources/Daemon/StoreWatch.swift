import Dispatch
import Logging
import ServiceLifecycle
import Store
import Telemetry

/// Looks over the pages of the database when obs starts, and daily: a page that a failing disk has damaged is reported before
/// somebody needs what was on it.
///
/// The work blocks and is of no hurry, so that it has a queue of its own, of low priority, and an end after a minute.
struct StoreWatch: Service {
    private static let budget = Duration.seconds(60)
    private static let pause = Duration.seconds(86_400)
    private static let queue = DispatchQueue(label: "obs.store.watch", qos: .utility)

    let store: Store
    let health: HealthNotes
    let logger: Logger

    func run() async throws {
        while !Task.isShuttingDownGracefully {
            await look()
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
            if Task.isCancelled { return }
        }
    }

    private func look() async {
        let found: Result<(problems: [String], isWhole: Bool), any Error> = await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: Result { try store.quickCheck(within: Self.budget) }) }
        }
        switch found {
        case .success((let problems, _)) where problems.isEmpty: health.clear(.damagedFile, "obs.db")
        case .success((let problems, _)): tell(problems[0])
        case .failure(let error): tell("\(error)")
        }
    }

    private func tell(_ problem: String) {
        let sentence = "\(store.path): the database is damaged: \(problem); restore a backup with 'obs restore FILE'"
        health.note(.damagedFile, "obs.db", sentence)
        logger.error("the database is damaged", metadata: ["path": "\(store.path)", "error": "\(problem)"])
    }
}
