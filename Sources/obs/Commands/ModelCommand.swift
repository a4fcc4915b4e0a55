import ArgumentParser
import Daemon

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Train, use and list models.", subcommands: [Train.self, Score.self, List.self])

    struct Train: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "Train an isolation forest on a table's windows and put it in production.",
            discussion: """
                Examples:
                  obs model train
                  obs model train --seed 7 --trees 200
                """)
        @Option(help: "The same seed and windows give the same model.") var seed: UInt64 = 1
        @Option(help: "How many trees.") var trees = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            Terminal.show(
                try Models(try Workspace(try common.configuration().dataDirectory)).train(seed: seed, trees: trees),
                as: output.output)
        }
    }

    struct Score: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "score", abstract: "Score a table's windows with the model in production, most unusual first.",
            discussion: """
                Examples:
                  obs model score --limit 10
                  obs model score -o json
                """)
        @Option(help: "How many at most.") var limit = 20
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            Terminal.show(
                try Models(try Workspace(try common.configuration().dataDirectory)).score(limit: limit), as: output.output)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the models, newest version first.",
            discussion: """
                Examples:
                  obs model list
                  obs model list -o json
                """)
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            Terminal.show(try Models(try Workspace(try common.configuration().dataDirectory)).list(), as: output.output)
        }
    }
}
