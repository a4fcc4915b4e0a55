import Alerting
import Incidents
import Columns
import Ingest
import Lake
import Query
import Telemetry

/// The obs that the pages show: its stores, and where its neighbours are.
struct Site: Sendable {
    var incidents: IncidentStore
    var alerts: AlertInbox
    /// The tables with the lines around evidence and with the figures.
    var lake: Lake
    /// The folder of the runbooks.
    var runbooks: String
    /// The address of Grafana; nil shows no links to it.
    var dashboards: String?
    var readiness: Readiness
    var sources: @Sendable () -> [SourceReport] = { [] }
    /// Who may do what; nil where everybody may do everything.
    var access: AccessControl?

    var questions: IncidentQuestions { IncidentQuestions(incidents) }
}
