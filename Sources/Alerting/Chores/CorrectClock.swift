import Columns
import Incidents
import Logging
import Synchronization

/// Makes due what a clock that was ahead has put into the future: at the start, and whenever the clock has gone back.
final class CorrectClock: Chore {
    let name = "correcting times that a clock that was ahead has stored"
    let interval = Duration.seconds(1)

    private let incidents: IncidentStore
    private let switches: SignsOfLife
    private let logger: Logger
    private let clock = Mutex(ClockWatch())

    init(incidents: IncidentStore, switches: SignsOfLife, logger: Logger) {
        self.incidents = incidents
        self.switches = switches
        self.logger = logger
    }

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard clock.withLock({ $0.wentBack(now: now) }) else { return }
        switches.state.withLock { $0.clockWentBack(to: now) }
        do {
            let count = try await incidents.write { try ClockCorrection(configuration, now: now).apply($0) }
            guard count > 0 else { return }
            logger.warning(
                "the clock was ahead when times were stored; what they held back is due now", metadata: ["rows": "\(count)"])
        } catch {
            clock.withLock { $0 = ClockWatch() }
            throw error
        }
    }
}
