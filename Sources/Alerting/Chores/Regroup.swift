import Columns
import Incidents

/// Puts alerts into the groups of a new configuration: at the start, and after each reload.
struct Regroup: Chore {
    let name = "putting alerts into the groups of the configuration"
    let interval = Duration.seconds(1)
    let incidents: IncidentStore
    let configuration: ConfigurationInForce
    let hasNews: WakeUp

    var wakeUp: WakeUp? { configuration.isReplaced }

    func run(_: AlertingConfiguration, now: Timestamp) async throws {
        guard let version = configuration.versionToGroup else { return }
        let route = configuration.current.route
        defer { hasNews.wake() }
        do {
            _ = try await incidents.write { try AlertStore.regroup(route, now: now, $0) }
            configuration.triedToGroup(version: version, isDone: true)
        } catch {
            configuration.triedToGroup(version: version, isDone: false)
            throw error
        }
    }
}
