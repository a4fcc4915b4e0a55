import Columns
import Incidents
import Telemetry

/// Alerts that come in as the body of an HTTP request.
extension AlertInbox {
    /// Stores a body of Alertmanager's API: every alert in it that has no fault.
    ///
    /// - Returns: what is wrong with the others, in the order of the body.
    /// - Throws: ``AlertBodyError`` when the body is refused as a whole; the store's error.
    public func post(body: [UInt8]) async throws -> [AlertFault] {
        try await store(try read { try PostedAlerts(body) })
    }

    /// Stores the body of a webhook of another Alertmanager (version 4), so that obs can be the receiver of it.
    ///
    /// The other one repeats an alert only after its own `repeat_interval`. So a firing alert stays firing until the other says
    /// that it is resolved, or for ``relayedFor``.
    ///
    /// - Returns: what is wrong with alerts that are not stored, in the order of the body.
    /// - Throws: ``AlertBodyError`` when the body is refused as a whole; the store's error.
    public func relay(webhook body: [UInt8]) async throws -> [AlertFault] {
        try await store(try read { try PostedAlerts(webhook: body) }, holdingFor: Self.relayedFor)
    }

    /// How long a relayed alert fires without a word: longer than any `repeat_interval`, short enough to notice that its sender
    /// is gone.
    static let relayedFor = Duration.seconds(7 * 86_400)

    private func read(_ body: () throws -> PostedAlerts) throws -> PostedAlerts {
        do { return try body() } catch {
            received["invalid"].increment()
            throw error
        }
    }

    /// - Parameter interval: how long an alert without an end fires, and then not as a time-out; nil is `resolve_timeout`.
    private func store(_ posted: PostedAlerts, holdingFor interval: Duration? = nil) async throws -> [AlertFault] {
        let now = Timestamp.now, timeout = inForce.resolveTimeout
        var faults = posted.faults
        var sound: [Alert] = []
        sound.reserveCapacity(posted.alerts.count)
        for (index, one) in posted.alerts {
            var alert = Alert(one, now: now, resolveTimeout: interval ?? timeout)
            if interval != nil { alert.hasTimeout = false }
            if let fault = alert.fault {
                faults.append(AlertFault(index: index, name: alert.labels["alertname"], reason: fault))
            } else {
                sound.append(alert)
            }
        }
        try await store(sound)
        let resolved = sound.count { $0.isResolved(at: now) }
        received["resolved"].increment(by: resolved)
        received["firing"].increment(by: sound.count - resolved)
        received["invalid"].increment(by: faults.count)
        return faults.sorted { $0.index < $1.index }
    }
}
