import Query
import ArgumentParser
import Configuration
import Jobs

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Train, use and list models.",
        subcommands: [Train.self, Score.self, List.self, Evaluate.self, Promote.self, Watch.self])

    struct Train: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "Train a model and put it in production.",
            discussion: """
                Without --csv and --simulated: a model of the windows of a gold table, as the first detection of the kind \
                ensemble or forest has it; --algorithm takes the other. With them: a random forest that tells rows where LABEL \
                is true from the others, judged on rows that its trees have not seen.

                Examples:
                  obs model train
                  obs model train --algorithm forest --trees 200
                  obs model train --simulated rail --days 14
                  obs model train --csv history.csv --label failed --name pump-failure \\
                      --trees 200
                """)
        @Option(help: "The same seed and rows give the same model.") var seed: UInt64 = 1
        @Option(help: "How many trees.") var trees = 100
        @Option(help: "Of windows: ensemble or forest; by default what the detection says.") var algorithm: String?
        @Option(help: "Train on the simulated history of this pipeline: rail.") var simulated: String?
        @Option(help: "How many days of it.") var days = 14
        @Option(help: "Train on this table, a CSV file with headings.") var csv: String?
        @Option(help: "Its column that tells the truth: 1 or true where it holds.") var label = "label"
        @Option(help: "The model's name.") var name = "risk"
        @Flag(help: "Let rare rows count as much together as common ones.") var balanced = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let configuration = try common.configurationForWriting()
            let workspace = try Workspace(configuration.dataDirectory)
            var training = RiskModels.Training()
            training.seed = seed
            training.trees = trees
            training.isBalanced = balanced
            if let simulated {
                guard simulated == "rail" else { throw UsageError("--simulated is '\(simulated)'; there is a model for rail") }
                Terminal.show(try RiskModels(workspace).trainRail(days: days, training), as: output.output)
            } else if let csv {
                Terminal.show(try RiskModels(workspace).train(csv: csv, label: label, name: name, training), as: output.output)
            } else {
                let settings = try configuration.windowModel()
                Terminal.show(
                    try Models(workspace).train(settings, algorithm: algorithm, seed: seed, trees: trees), as: output.output)
            }
        }
    }

    struct Score: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "score", abstract: "Score windows or the rows of a table.",
            discussion: """
                Without --csv: the windows of ssh by the model in production, most unusual first. With it: a number a row, in \
                the order of the file; by the model that \
                --model names, or else by an ensemble of four detectors that is trained on the same rows: its numbers are \
                standard deviations, and 2.5 is exceeded by about one row in 160. With --algorithm forest it is an isolation \
                forest, whose numbers are between 0 and 1.

                Examples:
                  obs model score --limit 10
                  obs model score --csv rows.csv
                  obs model score --csv rows.csv --algorithm forest
                  obs model score --csv rows.csv --model pump-failure
                """)
        @Option(help: "How many at most.") var limit = 20
        @Option(help: "A CSV file with headings.") var csv: String?
        @Option(help: "A model that was trained by 'obs model train --name'.") var model: String?
        @Option(help: "Without --model: ensemble or forest.") var algorithm = "ensemble"
        @Option(help: "Without --model: the same seed and rows give the same scores.") var seed: UInt64 = 1
        @Option(help: "Without --model: how many trees.") var trees = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            if let csv {
                let scores =
                    try model.map {
                        try RiskModels(try common.existingWorkspace()).scores(csv: csv, model: $0)
                    } ?? RiskModels.anomalyScores(csv: csv, algorithm: algorithm, seed: seed, trees: trees)
                Terminal.write(scores.map { "\($0)\n" }.joined())
                return
            }
            let settings = try common.configuration().windowModel()
            Terminal.show(try Models(try common.existingWorkspace()).score(settings, limit: limit), as: output.output)
        }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "evaluate", abstract: "Say how well a model does on a table that tells the truth.",
            discussion: """
                Examples:
                  obs model evaluate --csv held-back.csv --model pump-failure
                  obs model evaluate --csv held-back.csv --label failed --model pump-failure \\
                      -o json
                """)
        @Option(help: "A CSV file with headings.") var csv: String
        @Option(help: "Its column that tells the truth; the one of the training by default.") var label: String?
        @Option(help: "The model's name.") var model = "risk"
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let models = RiskModels(try common.existingWorkspace())
            Terminal.show(try models.evaluate(csv: csv, label: label, model: model), as: output.output)
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "promote", abstract: "Put an earlier version of a model in production.",
            discussion: """
                Examples:
                  obs model promote ssh-source-windows 3
                  obs model promote rail-fault-risk 1 -o json
                """)
        @Argument(help: "The model.") var name: String
        @Argument(help: "Its version.") var version: Int
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let models = Models(try common.writableWorkspace())
            Terminal.show(try models.promote(name, version: version), as: output.output)
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
            let answer = try Models(try common.existingWorkspace()).list()
            if answer.rows.isEmpty, output.output == .table { return Terminal.say("no models yet; 'obs model train' makes one") }
            Terminal.show(answer, as: output.output)
        }
    }
}
