import HTTPTypes
import NIOCore
import NIOPosix

/// Separate threads for requests that only read: a slow one delays other reading requests and nothing else. A request is
/// cancelled when its client leaves or its time is over; the loops that answer it check for cancellation.
///
/// On the shared pool two slow requests had blocked all pipelines, all writes and the shutdown of the process.
final class RequestThreads: TaskExecutor {
    private let pool: NIOThreadPool
    private let slots: RequestSlots
    /// The time limit of a request.
    let timeLimit: TimeAmount

    init(count: Int, timeLimit: TimeAmount = .seconds(10)) {
        pool = NIOThreadPool(numberOfThreads: count)
        slots = RequestSlots(count: 2 * count)
        pool.start()
        self.timeLimit = timeLimit
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Even after the pool has ended: a task that never runs would never end.
        pool.submit { [self] _ in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    func end() async throws { try await pool.shutdownGracefully() }

    /// Runs `respond` on one of the threads.
    ///
    /// - Throws: ``HTTPFailure`` 503 when the time limit is over; `CancellationError` when the client has left.
    func run(
        for client: Client?, on eventLoop: any EventLoop, _ respond: sending @escaping () async throws -> RouteResponse
    ) async throws -> RouteResponse {
        let slots = slots
        let task = Task(executorPreference: self) {
            try await slots.occupied {
                try Task.checkCancellation()
                return try await respond()
            }
        }
        let start = NIODeadline.now()
        let alarm = eventLoop.scheduleTask(in: timeLimit) { task.cancel() }
        client?.whenGone { task.cancel() }
        defer {
            alarm.cancel()
            client?.whenGone(nil)
        }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch is CancellationError where NIODeadline.now() - start >= timeLimit {
            throw HTTPFailure(
                .serviceUnavailable, code: "too_long",
                """
                the response took longer than \(timeLimit.nanoseconds / 1_000_000_000) s; ask for less, such as a shorter time \
                or \
                exact matchers
                """
            )
        }
    }
}
