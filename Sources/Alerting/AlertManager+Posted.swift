import Telemetry
import Columns
import Incidents

/// The ways in for alerts that others found.
extension AlertManager {
    /// Takes in a body of Alertmanager's API: every alert in it that has no fault, durable when this returns.
    ///
    /// - Returns: what is wrong with the others, in the order of the body.
    /// - Throws: ``AlertBodyError`` when the body is refused as a whole; the store's error.
    public func receive(body: [UInt8]) async throws -> [AlertFault] {
        let posted: PostedAlerts
        do {
            posted = try PostedAlerts(body)
        } catch {
            metrics.received["invalid"].increment()
            throw error
        }
        return try await receive(posted)
    }

    /// Takes in the body of a webhook of another Alertmanager (version 4), so that obs can stand behind it.
    ///
    /// That one tells of an alert again only after its own `repeat_interval`; so what fires holds until it says otherwise, or for ``relayedFor``.
    ///
    /// - Throws: ``AlertBodyError``; the store's error.
    public func receive(webhook body: [UInt8]) async throws -> [AlertFault] {
        let posted: PostedAlerts
        do {
            posted = try PostedAlerts(webhook: body)
        } catch {
            metrics.received["invalid"].increment()
            throw error
        }
        return try await receive(posted, holdingFor: Self.relayedFor)
    }

    /// Longer than anybody's `repeat_interval`, short enough that a sender that is gone is noticed to be.
    public static let relayedFor = Duration.seconds(7 * 86_400)

    /// - Parameter interval: how long an alert without an end holds, and then not as a time-out; nil is `resolve_timeout`.
    private func receive(_ posted: PostedAlerts, holdingFor interval: Duration? = nil) async throws -> [AlertFault] {
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
        try await receive(sound)
        let resolved = sound.count { $0.isResolved(at: now) }
        metrics.received["resolved"].increment(by: resolved)
        metrics.received["firing"].increment(by: sound.count - resolved)
        metrics.received["invalid"].increment(by: faults.count)
        return faults.sorted { $0.index < $1.index }
    }
}

extension PostedAlerts {
    /// Reads the payload of a webhook. Its alerts bear the same names as posted ones, with the zero time for no end.
    ///
    /// Source: Alertmanager, "Configuration", webhook_config.
    public init(webhook body: [UInt8]) throws(AlertBodyError) {
        var scanner = JSONReader(body)
        var isVersion4 = false
        var read: PostedAlerts?
        do {
            guard try scanner.kind() == .object else {
                throw AlertBodyError(code: 400, description: "the body is no webhook payload")
            }
            try scanner.object { scanner, name in
                switch name {
                case "version":
                    guard try scanner.kind() == .text else { return try scanner.skip() }
                    isVersion4 = try scanner.text() == "4"
                case "alerts": read = try PostedAlerts(&scanner)
                default: try scanner.skip()
                }
            }
            try scanner.end()
        } catch let error as AlertBodyError {
            throw error
        } catch {
            throw AlertBodyError(code: 400, description: "the body is no JSON: \(error)")
        }
        guard isVersion4, let read else {
            throw AlertBodyError(
                code: 400, description: "the body is no webhook payload of Alertmanager with version \"4\" and alerts")
        }
        self = read
    }
}

extension AlertManager {
    /// What can be asked of the alerts that hold, by the configuration in force.
    public var alerts: AlertQuestions { AlertQuestions(incidents, inForce) }
}
