import Alerting
import Detection

/// Records what detectors find, in order, while they look at the next rows.
///
/// A transaction waits for a disk. Findings that come meanwhile wait, and go together into the next one, so that a store that
/// is slow has fewer and larger transactions. What has been given is durable after ``settle()``, which comes before the commit
/// of the epoch: a crash before it reads the lines again.
actor FindingRecorder {
    /// Findings in one transaction: others who write wait for its end.
    private static let perTransaction = 1024
    /// Findings that may wait. A store that cannot follow holds the detectors up from here on.
    private static let maxWaiting = 4096

    private let alerts: AlertInbox
    private var waiting: [Finding] = []
    private var transaction: Task<Void, any Error>?

    init(_ alerts: AlertInbox) {
        self.alerts = alerts
    }

    /// Takes findings in, to be recorded behind those before them.
    ///
    /// - Throws: the error of the store for earlier ones. It stays: what waits behind them is not recorded any more, and the
    /// epoch is to be dropped.
    func record(_ findings: [Finding]) async throws {
        while waiting.count >= Self.maxWaiting { try await transaction?.value }
        waiting += findings
        if transaction == nil { begin() }
    }

    /// Waits until all findings are durable.
    ///
    /// - Throws: as ``record(_:)``.
    func settle() async throws {
        while let transaction { try await transaction.value }
    }

    private func begin() {
        guard !waiting.isEmpty else { return transaction = nil }
        let due = Array(waiting.prefix(Self.perTransaction))
        waiting.removeFirst(due.count)
        transaction = Task { [alerts] in
            try await alerts.record(due)
            self.begin()
        }
    }
}
