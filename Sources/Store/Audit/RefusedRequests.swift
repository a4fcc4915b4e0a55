import Columns
import Foundation
@preconcurrency import GRDB
import Synchronization

/// Writes requests that were refused into the audit, and lets nobody fill the disk by asking: in a minute so many entries are
/// written, each kind once, and the rest is counted in one more entry.
///
///     try await refusals.record(actor: "-", from: "192.0.2.7", request: "POST /api/v1/incidents", reason: "no token")
package final class RefusedRequests: Sendable {
    private let store: Store
    private let minute: Mutex<RefusedMinute>

    /// - Parameter limit: of the entries of one minute.
    package init(_ store: Store, perMinute limit: Int = 30) {
        self.store = store
        minute = Mutex(RefusedMinute(limit: limit))
    }

    /// Notes a refused request: as an entry of its own, or in the count of its minute. Of every text 200 bytes are kept. Where
    /// nothing has to be written it costs a look into a table in memory.
    ///
    /// - Parameters:
    ///   - actor: who the request said to be from: the name of a person or a token, never the token itself; `-` for nobody.
    ///   - origin: the address of the client.
    ///   - request: method and path, without the query, which may hold a secret.
    ///   - reason: why it was refused.
    /// - Throws: when the audit cannot be written.
    package func record(actor: String, from origin: String, request: String, reason: String, now: Timestamp = .now) async throws {
        func short(_ text: String) -> String { OutsideText(OutsideText(text).prefix(200)).inOneLine }
        let refusal = Refusal(
            actor: short(actor.isEmpty ? "-" : actor), origin: short(origin), request: short(request), reason: short(reason))
        let due = minute.withLock { $0.take(refusal, now: now) }
        try await write(due, now: now)
    }

    /// Writes down what is only counted so far. For the end of the process.
    package func flush(now: Timestamp = .now) async throws {
        try await write(RefusedMinute.Due(summary: minute.withLock { $0.end() }, entry: nil), now: now)
    }

    private func write(_ due: RefusedMinute.Due, now: Timestamp) async throws {
        guard due.summary != nil || due.entry != nil else { return }
        try await store.database.write { database in
            if let summary = due.summary {
                try Store.audit(
                    database, at: now.microseconds, actor: "obs", action: "request.refuse", subject: "requests", detail: summary)
            }
            guard let entry = due.entry else { return }
            try Store.$auditOrigin.withValue(entry.origin) {
                try Store.audit(
                    database, at: now.microseconds, actor: entry.actor, action: "request.refuse", subject: entry.request,
                    detail: entry.reason)
            }
        }
    }
}

/// A request that was refused.
struct Refusal: Hashable {
    let actor, origin, request, reason: String
}

/// The refused requests of one minute. Knows no clock and no store; its size is bounded.
struct RefusedMinute {
    struct Due: Equatable {
        /// What the minute before has beside its entries.
        var summary: String?
        /// What is written as an entry of its own.
        var entry: Refusal?
    }

    private static let maxOrigins = 1000

    let limit: Int
    private var start = Timestamp(microseconds: .min)
    private var written: Set<Refusal> = []
    private var counted = 0
    private var countedFrom: [String: Int] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func take(_ refusal: Refusal, now: Timestamp) -> Due {
        var due = Due()
        // Also when the clock was set back: a minute must not last for years.
        if now < start || now >= start + .seconds(60) {
            due.summary = end()
            start = now
        }
        if written.count < limit, written.insert(refusal).inserted {
            due.entry = refusal
            return due
        }
        counted += 1
        if countedFrom[refusal.origin] != nil || countedFrom.count < Self.maxOrigins {
            countedFrom[refusal.origin, default: 0] += 1
        }
        return due
    }

    /// Begins anew; the sentence for what was only counted, nil when nothing was.
    mutating func end() -> String? {
        defer { (written, counted, countedFrom) = ([], 0, [:]) }
        guard counted > 0 else { return nil }
        let most = countedFrom.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5).map { "\($0.value) from \($0.key)" }
        let origins = countedFrom.count < Self.maxOrigins ? "\(countedFrom.count)" : "\(Self.maxOrigins) or more"
        return "\(counted) more requests were refused since \(start), from \(origins) addresses: \(most.joined(separator: ", "))"
    }
}
