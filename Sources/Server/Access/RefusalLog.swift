import Access
import Columns
import Logging
import Synchronization

/// Puts refused requests into the audit. Whoever sends thousands of them cannot fill the store: of the same client, route and
/// reason there is a first entry at once, and then one per minute that says how many there were.
final class RefusalLog: Sendable {
    private struct Subject: Hashable {
        var actor, route, reason, address: String
    }

    private struct Count {
        var pending = 0
        var writtenAt: ContinuousClock.Instant?
    }

    /// Clients, routes and reasons with entries of their own in a minute; all further ones are one entry.
    private static let limit = 500
    private static let interval = Duration.seconds(60)

    private let store: AccessStore
    private let logger: Logger
    private let counts = Mutex<[Subject: Count]>([:])

    init(_ store: AccessStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Counts a refused request.
    ///
    /// - Parameter reason: a code such as `no_token`.
    func note(_ caller: Caller, _ route: String, _ reason: String) {
        counts.withLock { counts in
            var subject = Subject(actor: caller.name, route: route, reason: reason, address: caller.address)
            if counts[subject] == nil, counts.count >= Self.limit {
                subject = Subject(actor: "many clients", route: "several routes", reason: reason, address: "several addresses")
            }
            counts[subject, default: Count()].pending += 1
        }
    }

    /// Writes entries each second, until the task is cancelled; then the rest.
    func run() async {
        while !Task.isCancelled {
            write(isEnd: false)
            try? await Task.sleep(for: .seconds(1))
        }
        write(isEnd: true)
    }

    func write(isEnd: Bool) {
        let entries = due(isEnd, .now)
        guard !entries.isEmpty else { return }
        do { try store.note(entries, now: .now) } catch {
            logger.error(
                "refused requests cannot be written to the audit", metadata: ["count": "\(entries.count)", "error": "\(error)"])
        }
    }

    private func due(_ isEnd: Bool, _ now: ContinuousClock.Instant) -> [AccessStore.AuditEntry] {
        counts.withLock { counts in
            var entries: [AccessStore.AuditEntry] = []
            for (subject, count) in counts where isEnd || count.writtenAt.map({ now - $0 >= Self.interval }) ?? true {
                guard count.pending > 0 else {
                    // Quiet for a minute: it is forgotten, and the next one is a first again.
                    counts[subject] = nil
                    continue
                }
                let times = count.pending == 1 ? "" : ", \(count.pending) times"
                entries.append(
                    AccessStore.AuditEntry(
                        actor: subject.actor, action: "http.refused", subject: subject.route,
                        detail: "\(subject.reason), from \(subject.address)\(times)"))
                counts[subject] = Count(pending: 0, writtenAt: now)
            }
            return entries
        }
    }
}
