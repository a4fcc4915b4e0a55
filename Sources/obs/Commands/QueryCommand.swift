import ArgumentParser
import Columns
import Daemon
import Query
import Telemetry

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Ask what happened.",
        subcommands: [QueryIncidents.self, QueryIncident.self, QueryEvents.self, QueryRuns.self, QueryStats.self, QuerySQL.self])
}

/// From when to when.
struct TimeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("From then on: 2h (ago), today, or 2026-11-21T10:00:00Z.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Up to then.", valueName: "time"))
    var until: String?

    static func parse(_ text: String) throws -> Timestamp {
        try Timestamp(parsing: text, now: Timestamp(microseconds: WallClock.microseconds))
    }

    func from() throws -> Timestamp? { try since.map(Self.parse) }
    func to() throws -> Timestamp? { try until.map(Self.parse) }
}

struct QueryIncidents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incidents", abstract: "List incidents, newest first.",
        discussion: """
            Examples:
              obs query incidents --state open
              obs query incidents 'source="192.0.2.7"' --since 24h -o json
            """)

    @Argument(help: "Matchers on labels: name=\"value\", !=, =~, !~.")
    var matchers = ""

    @Option(help: "open, acknowledged or resolved.")
    var state: String?

    @Option(help: "critical, warning or info.")
    var severity: String?

    @Option(help: "How many at most.")
    var limit = 100

    @OptionGroup var times: TimeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let workspace = try Workspace(try common.configuration().dataDirectory)
        let answer = try IncidentQuestions(workspace.incidents).list(
            .init(state: state, severity: severity, matchers: matchers, since: try times.from(), limit: limit))
        if answer.rows.isEmpty, output.output == .table { Terminal.say("no incidents; 'obs demo' shows what they look like") }
        if !answer.rows.isEmpty || output.output != .table { Terminal.show(answer, as: output.output) }
    }
}

struct QueryIncident: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "Show one incident with its evidence and timeline.",
        discussion: """
            Examples:
              obs query incident INC-1001
              obs query incident 1001 -o json
            """)

    @Argument(help: "Its id, such as INC-1001.")
    var id: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let view = try IncidentQuestions(try Workspace(try common.configuration().dataDirectory).incidents).one(id)
        Terminal.write(output.output == .json || output.output == .jsonl ? view.json : view.text)
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

    @Option(help: "How many at most: the newest.")
    var limit = 100

    @OptionGroup var times: TimeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let questions = EventQuestions(try Workspace(try common.configuration().dataDirectory).lake)
        Terminal.show(
            try questions.rows(
                of: table, time: time, matchers: matchers, since: try times.from(), until: try times.to(), limit: max(1, limit)),
            as: output.output)
    }
}

struct QueryRuns: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List the runs of pipelines that have an end: scheduled ones, obs process, obs replay.",
        discussion: """
            Examples:
              obs query runs
              obs query runs --pipeline rail --since 24h -o json
            """)

    @Option(help: "Of this pipeline only.")
    var pipeline: String?

    @Option(help: ArgumentHelp("From then on: 2h (ago), today, or 2026-11-21T10:00:00Z.", valueName: "time"))
    var since: String?

    @Option(help: "How many at most: the newest.")
    var limit = 100

    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let from = try since.map { try Timestamp(parsing: $0, now: Timestamp(microseconds: WallClock.microseconds)) }
        let store = try Workspace(try common.configuration().dataDirectory).store
        Terminal.show(try RunQuestions(store).list(pipeline: pipeline, since: from, limit: max(1, limit)), as: output.output)
    }
}

struct QueryStats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show how often each rule and model has fired.",
        discussion: """
            Examples:
              obs query stats
              obs query stats -o markdown
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        Terminal.show(
            try IncidentQuestions(try Workspace(try common.configuration().dataDirectory).incidents).stats(), as: output.output)
    }
}

struct QuerySQL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Ask the operational store in SQL; read only.",
        discussion: """
            Examples:
              obs query sql 'SELECT name, count(*) FROM incident GROUP BY name'
              obs query sql 'SELECT * FROM outbox' -o json
            """)

    @Argument(help: "One SELECT statement.")
    var statement: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        Terminal.show(
            try SQLQuestion(try Workspace(try common.configuration().dataDirectory).store).answer(statement), as: output.output)
    }
}
