import ArgumentParser
import Columns
import Foundation
import Jobs
import Query

/// Which rows of a table of the lake are counted.
struct TableOptions: ParsableArguments {
    @Option(help: "The table.")
    var table = "silver.ssh"

    @Option(help: "The column that --since and --until are about.")
    var time = "event_time"

    @OptionGroup var times: TimeOptions

    func selection(_ matchers: String) throws -> TableQuestions.Selection {
        TableQuestions.Selection(table, time: time, conditions: matchers, since: try times.from(), until: try times.to())
    }

    static let matchersHelp: ArgumentHelp = "Conditions on columns: name=\"value\", !=, =~, !~; port > 1024, latency >= 500ms."
}

struct QueryTop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Show the values of a column that most rows of a table have.",
        discussion: """
            A duration is compared in the unit that the name of the column ends in (_ms, _us, _minutes …), else in seconds.

            Examples:
              obs query top source 'outcome="failure"' --since 24h
              obs query top user --since today --by 1h -o csv
              obs query top source 'port > 1024' --table silver.ssh --limit 3
            """)

    @Argument(help: "The column.")
    var column: String

    @Argument(help: TableOptions.matchersHelp)
    var matchers = ""

    @Option(help: ArgumentHelp("How many values.", valueName: "number"))
    var limit = 10

    @Option(help: ArgumentHelp("Count them per span of time, such as 1h.", valueName: "duration"))
    var by: String?

    @OptionGroup var rows: TableOptions
    @OptionGroup var options: AnswerOptions

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit is \(limit); write a number from 1 to 1000") }
    }

    func run() async throws {
        let selection = try rows.selection(matchers)
        SQLQuestion.boundProcessMemory()
        try await options.show(empty: "no rows are like that") {
            try TableQuestions($0.store, $0.lake).top(column, of: selection, limit: limit, per: by)
        }
    }
}

struct QueryCount: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Count the rows of a table, by the values of columns, and compare with the past.",
        discussion: """
            --compare counts the same span of time so long before too: how many there were, and how much more there are.

            Examples:
              obs query count 'outcome="failure"' --since 1h
              obs query count --by outcome --by method --since 24h
              obs query count --by outcome --since 24h --compare 1w -o json
            """)

    @Argument(help: TableOptions.matchersHelp)
    var matchers = ""

    @Option(help: ArgumentHelp("A column; may be given several times.", valueName: "column"))
    var by: [String] = []

    @Option(help: ArgumentHelp("How long before, such as 1w; with --since.", valueName: "duration"))
    var compare: String?

    @OptionGroup var rows: TableOptions
    @OptionGroup var options: AnswerOptions

    func run() async throws {
        let selection = try rows.selection(matchers)
        let before = try compare.map { text in
            guard let duration = Duration(parsing: text), duration > .zero else {
                throw ValidationError("--compare is '\(text)'; write a duration such as 1d or 1w")
            }
            return duration
        }
        SQLQuestion.boundProcessMemory()
        try await options.show(empty: "no rows are like that") {
            try TableQuestions($0.store, $0.lake).count(by: by, of: selection, before: before, now: .now)
        }
    }
}

struct QueryTables: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables",
        abstract: "List what can be asked: the tables of the lake, and the views of obs.db with their columns.",
        discussion: """
            Examples:
              obs query tables
              obs query tables silver.ssh
              obs query tables incidents -o json
            """)

    @Argument(help: "A table or view: its columns.")
    var name: String?

    @OptionGroup var options: AnswerOptions

    func run() async throws {
        try await options.show(empty: "there is no table") {
            let questions = TableNames($0.lake)
            return try name.map { try questions.columns(of: $0) } ?? questions.all()
        }
    }
}
