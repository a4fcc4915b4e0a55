import Columns
import Configuration
import Ingest
import Logging

/// What a machine keeps of its log-ins: what an obs without a configuration watches, and what `obs init` writes down.
public struct FoundSources: Sendable {
    /// A place where log-ins are kept, the first that can be read being watched.
    struct Candidate: Sendable {
        let settings: SourceSettings
        /// The entry under `sources:` that watches it.
        let entry: String
    }

    /// Journald comes first because it holds what the files hold, and is on machines that have no files.
    static let candidates = [
        Candidate(
            settings: .journal(facilities: ["auth", "authpriv"]),
            entry: "{ name: auth, journald: { facilities: [auth, authpriv] }, pipeline: ssh }"),
        Candidate(settings: .file("/var/log/auth.log"), entry: "{ name: auth, file: /var/log/auth.log, pipeline: ssh }"),
        Candidate(settings: .file("/var/log/secure"), entry: "{ name: auth, file: /var/log/secure, pipeline: ssh }"),
    ]

    /// The source that is watched; empty where nothing can be read.
    public let sources: [Configuration.SourceEntry]
    /// Its entry under `sources:`; nil where nothing can be read.
    let entry: String?
    /// What was found at each place, a sentence each.
    public let findings: [String]

    /// Looks at the places of this machine.
    public init() { self.init(Self.candidates) }

    init(_ candidates: [Candidate]) {
        let looks = candidates.map { ($0, $0.settings.look()) }
        let chosen = looks.first { $0.1.problem == nil }?.0
        entry = chosen?.entry
        sources = chosen.map { [Configuration.SourceEntry(name: "auth", settings: $0.settings)] } ?? []
        findings = looks.map { candidate, look in
            let place = candidate.settings.place(of: "auth")
            guard let problem = look.problem?.sentence else {
                return candidate.entry == chosen?.entry ? "\(place): is watched" : "\(place): could be watched too"
            }
            return OutsideText(problem).starts(with: place) ? problem : "\(place): \(problem)"
        }
    }

    /// Says what was found, what is watched, and how to have more.
    public func report(to logger: Logger) {
        let next = "'obs init' writes an obs.yaml with this source, and with the keys for other sources and for notifications"
        let metadata: Logger.Metadata = ["found": "\(findings.joined(separator: "; "))", "next": "\(next)"]
        guard let entry else {
            return logger.warning(
                "there is no obs.yaml, and no log of log-ins that can be read on this machine", metadata: metadata)
        }
        logger.notice(
            "there is no obs.yaml: obs watches the log-ins of this machine",
            metadata: metadata.merging(["source": "\(entry)"]) { first, _ in first })
    }

    /// An `obs.yaml` that watches what was found, and shows in comments how to have more.
    public var configurationFile: String {
        """
        # What obs watches, and whom it notifies. 'obs check config' says what is wrong with it; a running obs reads it again at
        # SIGHUP. Every key, with its default: 'obs check config --print-defaults'.

        data_dir: obs-data                     # tables, incidents, checkpoints, models
        http: { listen: "127.0.0.1:9464" }     # the page, metrics, health, API; 0.0.0.0:9464 for other machines

        # What was found on this machine:
        \(findings.map { "#   " + OutsideText($0).visibleInOneLine }.joined(separator: "\n"))
        sources:\(entry == nil ? " []" : "")
        \(entry.map { "  - " + $0 } ?? "# - { name: auth, file: /var/log/auth.log, pipeline: ssh }")

        # Other sources, as further entries of the list:
        # - { name: web, journald: { units: [nginx.service] }, pipeline: web }
        # - { name: app, file: "/var/log/app/*.log", pipeline: app }
        # - { name: pushed, http: true, pipeline: ssh }      # curl, Promtail, Alloy, Vector, Fluent Bit, Filebeat, OpenTelemetry
        # - { name: orders, sqlite: shop.db, table: orders, key: order_id, pipeline: shop, input: orders }

        # Pipelines and rules of your own, beside the built-in ones:
        # pipelines: ["pipelines/*.yaml"]
        # detections: ["rules/*.yml"]

        # Without receivers incidents are on the page and in 'obs query incidents'. As in an Alertmanager configuration:
        # alerting:
        #   route: { receiver: oncall, group_by: [alertname] }
        #   receivers:
        #     - { name: oncall, webhook_configs: [{ url: "http://127.0.0.1:5001/hook" }] }     # 'obs sink' listens there

        """
    }
}
