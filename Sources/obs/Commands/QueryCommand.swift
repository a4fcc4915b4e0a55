import Alerting
import Incidents
import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query
import Telemetry

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Query what happened.",
        discussion: """
            Piped output is plain and whole; on a terminal it is coloured (unless NO_COLOR is set) and fitted to its width.
            """,
        subcommands: [
            QueryIncidents.self, QueryIncident.self, QueryStats.self, QueryAlerts.self, QueryNotifications.self,
            QuerySilences.self,
            QueryEvents.self, QueryTop.self, QueryCount.self, QueryTables.self, QueryTemplates.self, QueryRuns.self,
            QueryAudit.self, QuerySQL.self,
        ])
}

struct QueryIncidents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incidents", abstract: "List incidents, newest first.",
        discussion: """
            --since and --until are about when they were opened, as in obs query stats.

            Examples:
              obs query incidents --state open
              obs query incidents 'source="192.0.2.7"' --since 24h -o json
              obs query incidents --search "backup job" --assignee ann
              obs query incidents --unseen --since 24h
            """)

    @Argument(help: "Matchers on labels: name=\"value\", !=, =~, !~.")
    var matchers = ""

    @Option(help: "open, acknowledged or resolved.")
    var state: String?

    @Option(help: "critical, warning or info.")
    var severity: String?

    @Option(help: "Who has it.")
    var assignee: String?

    @Option(help: "Words in title, labels or timeline; 'fire*' finds firewall too.")
    var search: String?

    @Flag(help: "Only those that ended by themselves, and nobody did anything about.")
    var unseen = false

    @Flag(help: "Only those that had been over for long when they were found.")
    var foundInPast = false

    @OptionGroup var limit: LimitOptions

    @Option(help: "Go on where an earlier answer ended, as it said.")
    var cursor: String?

    @OptionGroup var times: TimeOptions
    @OptionGroup var options: AnswerOptions

    func run() async throws {
        let filter = IncidentFilter(
            state: try IncidentFilter.state(state), severity: try IncidentFilter.severity(severity), assignee: assignee,
            matchers: matchers, text: search, since: try times.from(), until: try times.to(), limit: limit.count, cursor: cursor,
            isUnseen: unseen, isFoundInPast: foundInPast)
        let isAll =
            state == nil && severity == nil && assignee == nil && matchers.isEmpty && search == nil && filter.since == nil
            && !unseen && !foundInPast
        try await options.show(empty: isAll ? "no incidents; 'obs demo' shows what they look like" : "no incidents are like that")
        {
            try IncidentQuestions($0.incidents).list(filter)
        }
    }
}

struct QueryIncident: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident",
        abstract: "Show one incident: what, since when, who has it; evidence, timeline, what to do first.",
        discussion: """
            Examples:
              obs query incident INC-1001
              obs query incident INC-1001 --context 5
              obs query incident 1001 -o markdown > review.md
            """)

    @Argument(help: "Its id, such as INC-1001 or 1001.")
    var id: String

    @Option(help: "Show so many lines before and after each line of evidence, as the lake has them.")
    var context: Int?

    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard context.map({ (1...EvidenceContext.maxLines).contains($0) }) ?? true else {
            throw ValidationError("--context is \(context!); write a number from 1 to \(EvidenceContext.maxLines)")
        }
    }

    func run() async throws {
        let configuration = try common.configuration(), workspace = try common.existingWorkspace()
        let questions = IncidentQuestions(workspace.incidents)
        guard output.output != .csv else {
            return Terminal.show(try questions.timelineTable(id), as: .csv, isQuiet: common.quiet)
        }
        // The review has the figures of the tables; who looks at night does not wait for them.
        let view = try questions.one(
            id, runbooks: configuration.runbooks, lake: output.output == .markdown ? workspace.lake : nil,
            context: context.map { ($0, workspace.lake) },
            now: .now)
        switch output.output {
        case .markdown: Terminal.write(view.markdown)
        case .json: Terminal.write(json: view.json)
        case .jsonl: Terminal.write(json: view.jsonLine)
        case .table, .csv:
            Terminal.write(TerminalText(view.lines, width: Terminal.width(), hasColor: Terminal.hasColor).text)
        }
    }
}

struct QueryEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List events of a table of the lake.",
        discussion: """
            Examples:
              obs query events 'event="failed_password", user="root"' --limit 20
              obs query events --table gold.ssh_by_source --time window_start -o csv
            """)

    @Argument(help: "Matchers on columns: name=\"value\", !=, =~, !~.")
    var matchers = ""

    @Option(help: "The table.")
    var table = "silver.ssh"

    @Option(help: "The column that --since and --until are about.")
    var time = "event_time"

    @OptionGroup var options: ListOptions

    func run() async throws {
        try await options.show(empty: "no events are like that") {
            try EventQuestions($0.lake).rows(
                of: table, time: time, matchers: matchers, since: $1.since, until: $1.until, limit: $1.limit)
        }
    }
}

struct QueryRuns: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List the runs of pipelines that have an end: scheduled ones, obs process, obs replay.",
        discussion: """
            Examples:
              obs query runs
              obs query runs --pipeline rail --since 24h -o json
              obs query runs 17
            """)

    @Argument(help: "A run: what went in and out of each of its stages.")
    var id: Int64?

    @Option(help: "Of this pipeline only.")
    var pipeline: String?

    @Option(help: ArgumentHelp("From then on: 2h (ago), today, or 2026-11-21T10:00:00Z.", valueName: "time"))
    var since: String?

    @OptionGroup var limit: LimitOptions

    @OptionGroup var options: AnswerOptions

    func run() async throws {
        let from = try since.map(TimeOptions.parse)
        try await options.show(empty: id.map { "there is no run \($0)" } ?? "no runs are like that; 'obs process FILE' makes one")
        {
            let questions = RunQuestions($0.store)
            return try id.map(questions.stages) ?? questions.list(pipeline: pipeline, since: from, limit: limit.count)
        }
    }
}

struct QueryStats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show how often, and the time to detect, acknowledge and resolve: median and 90th percentile.",
        discussion: """
            They count on the day (UTC) on which they were opened, of which --since and --until name the first and the last.

            Examples:
              obs query stats --since 30d
              obs query stats --by receiver -o markdown
            """)

    @Option(help: "rule, severity, receiver or day.")
    var by = IncidentQuestions.Grouping.rule

    @OptionGroup var times: TimeOptions
    @OptionGroup var options: AnswerOptions

    func run() async throws {
        let (since, until) = (try times.from(), try times.to())
        try await options.show(empty: "no incidents yet") {
            try IncidentQuestions($0.incidents).statistics(by: by, since: since, until: until)
        }
    }
}

extension IncidentQuestions.Grouping: ExpressibleByArgument {}

struct QuerySQL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Ask the tables of the lake and the operational store in SQL; read only.",
        discussion: """
            Tables of the lake are named with their layer, and may be asked as they were: silver.ssh, silver.ssh@v12, \
            silver.ssh@2026-11-27. Times are texts such as 2026-11-27T15:00:00.000000Z, and are compared as times.

            Examples:
              obs query sql 'SELECT source, count(*) FROM silver.ssh GROUP BY 1'
              obs query sql 'SELECT name, count(*) FROM incident GROUP BY name'
              obs query sql 'SELECT * FROM outbox' -o json --limit 100000 --timeout 60
            """)

    @Argument(help: "One SELECT statement.")
    var statement: String

    @Option(help: "How many rows at most.")
    var limit = 10_000

    @Option(help: "How many seconds it may run.")
    var timeout = 10

    @OptionGroup var options: AnswerOptions

    func run() async throws {
        guard limit > 0, (1...3600).contains(timeout) else {
            throw ValidationError("--limit is at least 1, and --timeout from 1 to 3600 seconds")
        }
        SQLQuestion.boundProcessMemory()
        try await options.show(empty: "no rows") {
            var question = SQLQuestion($0.store, $0.lake)
            question.rowLimit = limit
            question.timeLimit = .seconds(timeout)
            return try question.answer(statement)
        }
    }
}
