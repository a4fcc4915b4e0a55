import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query

extension LakeCommand {
    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "erase", abstract: "Take one person out of tables, incidents and served rows, for good.",
            discussion: """
                Rows in which the column has the value are deleted. Of others each text that has the value as a word, such as \
                a line in bronze, is blanked. Files are written anew and the old ones deleted at once, beside a running obs too. \
                docs/protection.md says what is not reached. The audit gets the counts and a keyed hash of the value.

                Examples:
                  obs lake erase --where 'user="ann"' --reason "request 4711" --dry-run
                  obs lake erase --where 'user="ann"' --reason "request 4711"
                """)
        @Option(name: .customLong("where"), help: "Who: a column and a value, such as 'user=\"ann\"'.") var matchers: String
        @Option(help: "By which policy, or on whose request: for the audit.") var reason: String
        @Flag(help: "Only count what would go.") var dryRun = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let erasing = try Erasing([Matcher](parsing: matchers))
            let workspace = try dryRun ? common.existingWorkspace() : common.writableWorkspace()
            let parts = try erasing.run(workspace, actor: NSUserName(), reason: reason, isDryRun: dryRun)
            if parts.isEmpty, output.output == .table { return Terminal.say("nothing names that person") }
            Terminal.show(
                Answer(
                    [("place", .text), ("rows", .int64), ("texts", .int64)],
                    rows: parts.map { [.text($0.place), .int(Int64($0.rows)), .int(Int64($0.texts))] }), as: output.output)
        }
    }
}
