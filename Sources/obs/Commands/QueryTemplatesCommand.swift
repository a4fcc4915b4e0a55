import ArgumentParser
import Columns
import Jobs
import Query

struct QueryTemplates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "templates", abstract: "List the templates of messages: new ones, growing ones, ones that are gone.",
        discussion: """
            A template is a message with its variable parts replaced by <*>. Pipelines with the step `templates` have them.
            Without --since, new, growing and gone are about the last 24 hours; growing compares with as long a time before.

            Examples:
              obs query templates --only new --since 1h
              obs query templates --only growing --table gold.self_templates -o json
              obs query templates 'template=~".*timed out.*"'
            """)

    @Argument(help: "Matchers on columns: name=\"value\", !=, =~, !~.")
    var matchers = ""

    @Option(help: "all, new, growing, gone, or merged: ids that now stand for another template.")
    var only = TemplateQuestions.Selection.all

    @Option(help: "The table of templates; every one by default.")
    var table: String?

    @OptionGroup var options: ListOptions

    func run() async throws {
        try await options.show(empty: "no templates are like that") {
            try TemplateQuestions($0.lake).list(
                only, table: table, matchers: matchers, since: $1.since, until: $1.until, limit: $1.limit, now: .now)
        }
    }
}

extension TemplateQuestions.Selection: ExpressibleByArgument {}
