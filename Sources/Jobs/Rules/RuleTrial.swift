import Alerting
import Columns
import Configuration
import Detection
import Incidents
import Query
import Streaming

/// `obs rules try`: what rules would have found in the rows that are kept, by the detectors that run live.
public struct RuleTrial {
    /// What is tried, and on which rows.
    public struct Options: Sendable {
        /// A file of rules, as `detections:` names them.
        public var file: String
        /// Event times.
        public var since: Timestamp
        public var until: Timestamp
        /// Whether the rules of the same names that are in force are run beside them.
        public var compares = false

        public init(file: String, since: Timestamp, until: Timestamp) {
            self.file = file
            self.since = since
            self.until = until
        }
    }

    private let options: Options
    private let configuration: Configuration
    private let workspace: Workspace
    private let rules: [DetectionEntry]

    /// - Throws: `ConfigurationError` with the mistakes of the file; `UsageError` when it cannot be read, or the range is empty.
    public init(_ options: Options, _ configuration: Configuration, _ workspace: Workspace) throws {
        guard options.since < options.until else {
            throw UsageError("--since (\(options.since)) is not before --until (\(options.until))")
        }
        self.options = options
        self.configuration = configuration
        self.workspace = workspace
        rules = try configuration.rules(inFile: options.file)
    }

    /// Reads the rows and tries the rules.
    ///
    /// - Parameter progress: bytes of the files that are read, of all.
    /// - Throws: a sentence when a table or a column that a rule looks at is missing, or there are no rows in the range.
    public func run(progress: (_ done: Int64, _ total: Int64) -> Void) throws -> RuleTrialReport {
        let found = try findings(progress: progress), policy = configuration.alerting.incidents
        let incidents = try JudgedIncident.all(
            in: workspace.store, from: options.since - policy.joinWithin, to: options.until + policy.joinWithin)
        return RuleTrialReport(
            rules, tried: found.tried, inForce: options.compares ? found.inForce : nil, rows: found.rows,
            incidents: TrialIncidents(incidents, policy), since: options.since, until: options.until, notes: try notes())
    }

    /// What the rules of the file, and those in force of the same names, find; of the latter nothing unless it is compared.
    func findings(progress: (_ done: Int64, _ total: Int64) -> Void) throws
        -> (tried: TrialFindings, inForce: TrialFindings, rows: Int)
    {
        var tried = TrialFindings(), inForce = TrialFindings()
        var rows = 0
        var tables: [String] = []
        for pipeline in configuration.pipelines {
            let own = try rules.filter { try configuration.pipelines(of: $0.settings).contains(pipeline.name) }
            guard own.contains(where: { !($0.settings is WindowSettings) }) else { continue }
            let known = try configuration.detections(of: pipeline.name)
            var sets = [detectors(own, beside: known, pipeline)]
            if options.compares {
                let names = Set(own.map(\.name)), others = known.filter { names.contains($0.name) }
                if !others.isEmpty { sets.append(detectors(others, beside: known, pipeline)) }
            }
            let from = max(options.since - Self.lookback(sets.flatMap(\.rules)), .init(seconds: 0))
            let run = try TrialRun(pipeline, sets, lake: workspace.lake, range: from...options.until)
            tables += run.tableNames
            rows += try run.run(progress: progress) { set, findings in
                if set == 0 { tried.take(findings) } else { inForce.take(findings) }
            }
        }
        guard rows > 0 else { throw TrialError.noRows(tables, since: options.since, until: options.until) }
        return (tried, inForce, rows)
    }

    /// What of the file cannot be tried or compared.
    private func notes() throws -> [String] {
        rules.compactMap { rule in
            if rule.settings is WindowSettings {
                return "'\(rule.name)' is a model and was not tried; 'obs model evaluate' judges it"
            }
            if rule.settings.mode == .internal {
                return "'\(rule.name)' opens no incidents (mode: internal), so it has no findings of its own"
            }
            guard options.compares, !configuration.detections.contains(where: { $0.name == rule.name }) else { return nil }
            return "no rule '\(rule.name)' is in force; there is nothing to compare it with"
        }
    }

    /// Rules that look at findings need those whose findings they look at.
    private func detectors(_ rules: [DetectionEntry], beside known: [DetectionEntry], _ pipeline: PipelineDefinition)
        -> (rules: [DetectionEntry], detectors: DetectorSet)
    {
        var all = rules.filter { !($0.settings is WindowSettings) }
        if all.contains(where: { $0.settings.rows == .findings }) {
            let names = Set(rules.map(\.name))
            all += known.filter { !names.contains($0.name) && !($0.settings is WindowSettings) }
        }
        let until = options.until
        return (all, DetectorSet(all, DetectorContext(allowedLateness: pipeline.detectionLateness, now: { until })))
    }

    /// How long before the range rules must see rows to judge those in it as live.
    private static func lookback(_ rules: [DetectionEntry]) -> Duration {
        let all = rules.map(\.settings)
        let onRows = all.filter { $0.rows != .findings }.map(\.lookback).max() ?? .zero
        return onRows + (all.filter { $0.rows == .findings }.map(\.lookback).max() ?? .zero)
    }
}
