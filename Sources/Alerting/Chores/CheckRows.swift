import Columns
import Incidents
import Logging
import Store
import Telemetry

/// Looks for rows of the store that cannot be read, moves them out of the way of the others where that is possible, and reports
/// each.
struct CheckRows: Chore {
    let name = "looking over the rows of the store"
    let interval = Duration.seconds(60)

    private let incidents: IncidentStore
    private let configuration: ConfigurationInForce
    private let health: HealthNotes
    private let logger: Logger
    private let unreadable: GaugeFamily

    private static let mostRowsLogged = 20

    init(
        incidents: IncidentStore, configuration: ConfigurationInForce, health: HealthNotes, metrics: MetricsRegistry,
        logger: Logger
    ) {
        self.incidents = incidents
        self.configuration = configuration
        self.health = health
        self.logger = logger
        unreadable = metrics.gauge(
            "obs_store_unreadable_rows",
            help:
                """
                Rows of the store that cannot be read and are passed over, by table; 'obs check store' names them and \
                says what to do.
                """,
            labels: ["table"])
        for check in IncidentStore.rowChecks { unreadable[check.table].set(0) }
    }

    func run(_: AlertingConfiguration, now: Timestamp) async throws {
        let found = try await incidents.lookOver(now: now)
        let rows = found.standing + found.setAside
        for check in IncidentStore.rowChecks { unreadable[check.table].set(Double(rows.count { $0.table == check.table })) }
        let new = report(found.standing, setAside: found.setAside)
        // An alert whose group had to go finds its way into it again.
        if new.contains(where: { $0.utf8.starts(with: "alert".utf8) }) { configuration.groupAgain() }
    }

    /// - Returns: names of the rows that were not reported before; they begin with the table.
    private func report(_ standing: [UnreadableRow], setAside: [UnreadableRow]) -> [String] {
        let rows = setAside.map { ($0, $0.sentence(isSetAside: true)) } + standing.map { ($0, $0.sentence(isSetAside: false)) }
        let sentences = Dictionary(rows.map { ("\($0.table) \($0.id) \($0.reason)", $1) }) { first, _ in first }
        let new = health.replace(.unreadableRow, with: sentences)
        for name in new.prefix(Self.mostRowsLogged) {
            logger.error(
                "a row of the store cannot be read",
                metadata: ["path": "\(incidents.store.path)", "error": "\(sentences[name] ?? name)"])
        }
        return new
    }
}
