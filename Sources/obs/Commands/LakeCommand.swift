import ArgumentParser
import Columns
import Daemon
import Query

struct LakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lake", abstract: "Look at the tables.", subcommands: [Tables.self, History.self])

    struct Tables: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tables", abstract: "List the tables with their rows and files.",
            discussion: """
                Examples:
                  obs lake tables
                  obs lake tables -o json
                """)
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            Terminal.show(
                try EventQuestions(try Workspace(try common.configuration().dataDirectory).lake).tables(), as: output.output)
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history", abstract: "List the versions of a table, newest first.",
            discussion: """
                Examples:
                  obs lake history silver.ssh
                  obs lake history gold.ssh_by_source -o json
                """)
        @Argument var table: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            Terminal.show(
                try EventQuestions(try Workspace(try common.configuration().dataDirectory).lake).history(of: table),
                as: output.output)
        }
    }
}
