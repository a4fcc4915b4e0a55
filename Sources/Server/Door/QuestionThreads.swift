import NIOCore
import NIOPosix

/// Threads of their own for what is only asked: a question that takes long, or never ends, holds up other questions and nothing else. What is in progress ends with its client and
/// with its time: then its task is cancelled, and each loop of a question looks at that.
///
/// Measured on the pool that all tasks share, two questions held every pipeline, every write and the end of the process.
final class QuestionThreads: TaskExecutor {
    private let pool: NIOThreadPool
    private let slots: QuestionSlots
    /// How long a question may take.
    let timeLimit: TimeAmount

    init(count: Int, timeLimit: TimeAmount = .seconds(10)) {
        pool = NIOThreadPool(numberOfThreads: count)
        slots = QuestionSlots(count: 2 * count)
        pool.start()
        self.timeLimit = timeLimit
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Also when the pool has ended: a task that never runs would never end either.
        pool.submit { [self] _ in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    func end() async throws { try await pool.shutdownGracefully() }

    /// The answer of `question`, which is asked on one of the threads.
    ///
    /// - Throws: ``HTTPFailure`` 503 when the time was not enough; `CancellationError` when the client has gone.
    func ask(
        for client: Client?, on eventLoop: any EventLoop, _ question: sending @escaping () async throws -> HTTPAnswer
    ) async throws -> HTTPAnswer {
        let slots = slots
        let task = Task(executorPreference: self) {
            try await slots.occupied {
                try Task.checkCancellation()
                return try await question()
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
                "the answer took longer than \(timeLimit.nanoseconds / 1_000_000_000) s; ask for less, such as a shorter time or exact matchers"
            )
        }
    }
}
