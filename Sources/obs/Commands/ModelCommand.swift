import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Train, use, compare and list models.",
        subcommands: [
            Train.self, Score.self, Evaluate.self, List.self, Show.self, Alias.self, Rollback.self, Compare.self, Publish.self,
            Watch.self,
        ])

    struct Train: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "Train the next version of a model.",
            discussion: """
                Without --csv and --simulated: a model of the windows of a gold table, as the first detection of the kind \
                ensemble or forest has it; --algorithm takes the other. Windows in which a rule has found something, or that \
                somebody has confirmed, are left out.

                With --csv: a model that says how likely LABEL is to be true of a row. Boosted trees (the default) also look at \
                products, differences and ratios of columns, where that helps; by cross-validation in five folds they choose \
                their number, calibrate their probabilities and show how reliable these are. --algorithm forest makes a random \
                forest of the columns alone, judged on rows that its trees have not seen.

                The new version is the champion, which a running obs uses from the next rows on. With --alias challenger it \
                runs beside the champion instead, where it scores and opens nothing.

                Examples:
                  obs model train
                  obs model train --since 30d --alias challenger
                  obs model train --algorithm forest --trees 200
                  obs model train --simulated rail --days 14
                  obs model train --csv history.csv --label failed --name pump-failure \\
                      --trees 200 --tag season=winter
                """)
        @Option(help: "The same seed and rows give the same model.") var seed: UInt64 = 1
        @Option(help: "How many trees; of boosted ones the most.") var trees = 100
        @Option(
            help: "Of windows: ensemble or forest, by default as the detection says; of rows with a label: boosted or forest.")
        var algorithm: String?
        @Option(help: "Of windows: from then on, 30d (ago) or 2026-11-21T10:00:00Z.") var since: String?
        @Option(help: "Of windows: until then.") var until: String?
        @Option(help: "Train on the simulated history of this pipeline: rail.") var simulated: String?
        @Option(help: "How many days of it.") var days = 14
        @Option(help: "Train on this table, a CSV file with headings.") var csv: String?
        @Option(help: "Its column that tells the truth: 1 or true where it holds.") var label = "label"
        @Option(help: "The model's name.") var name = "risk"
        @Flag(help: "Let rare rows count as much together as common ones.") var balanced = false
        @Option(help: "What the new version becomes.") var alias = "champion"
        @Option(help: "A note on the version, NAME=TEXT; may be given several times.") var tag: [String] = []
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let training = try training()
            let configuration = try common.configurationForWriting()
            let workspace = try Workspace(configuration.dataDirectory)
            defer { ModelCommand.publish(configuration, workspace) }
            if let simulated {
                guard simulated == "rail" else { throw UsageError("--simulated is '\(simulated)'; there is a model for rail") }
                Terminal.show(try RiskModels(workspace).trainRail(days: days, training), as: output.output)
            } else if let csv {
                Terminal.show(try RiskModels(workspace).train(csv: csv, label: label, name: name, training), as: output.output)
            } else {
                let settings = try configuration.windowModel()
                Terminal.show(
                    try Models(workspace).train(
                        settings, algorithm: algorithm, range: try TimeOptions.range(since: since, until: until), training),
                    as: output.output)
            }
        }

        private func training() throws -> RiskModels.Training {
            var training = RiskModels.Training()
            training.algorithm = algorithm
            training.seed = seed
            training.trees = trees
            training.isBalanced = balanced
            training.alias = alias
            for tag in tag {
                let parts = OutsideText(tag).split { $0 == "=" }.map { String($0) }
                guard parts.count >= 2, !parts[0].isEmpty else { throw UsageError("--tag is '\(tag)'; write NAME=TEXT") }
                training.tags[parts[0]] = parts.dropFirst().joined(separator: "=")
            }
            return training
        }
    }

    struct Score: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "score", abstract: "Score windows or the rows of a table.",
            discussion: """
                Without --csv: the windows of ssh by the champion, most unusual first. With it: a number per row, in the order \
                of the file; by the model that --model names, or the one in the folder --file (its champion, or \
                NAME@ALIAS, or NAME@VERSION), or else by an ensemble of four detectors that is trained on the same rows: its \
                numbers are standard deviations, and 2.5 is exceeded by about one row in 160. With --algorithm forest it is an \
                isolation forest, whose numbers are between 0 and 1.

                Examples:
                  obs model score --limit 10
                  obs model score --csv rows.csv
                  obs model score --csv rows.csv --algorithm forest
                  obs model score --csv rows.csv --model pump-failure@challenger
                  obs model score --csv rows.csv --file models/pump-failure/3
                """)
        @Option(help: "How many at most.") var limit = 20
        @Option(help: "A CSV file with headings.") var csv: String?
        @Option(help: "A trained model; without --csv an alias or a version of the model of windows.") var model: String?
        @Option(help: "The file of a model, or its folder, wherever it is.") var file: String?
        @Option(help: "Without --model: ensemble or forest.") var algorithm = "ensemble"
        @Option(help: "Without --model: the same seed and rows give the same scores.") var seed: UInt64 = 1
        @Option(help: "Without --model: how many trees.") var trees = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            if let csv {
                Terminal.write(try scores(csv).map { "\($0)\n" }.joined())
                return
            }
            guard file == nil else { throw UsageError("--file scores the rows of a table; name one with --csv") }
            let settings = try common.configuration().windowModel()
            let reference = model.map { OutsideText($0).contains("@") ? ModelCommand.parts(of: $0).at : $0 }
            let answer = try Models(try common.existingWorkspace()).score(
                settings, at: reference ?? ModelCommand.champion, limit: limit)
            Terminal.show(answer, as: output.output)
        }

        private func scores(_ csv: String) throws -> [Double] {
            if let file { return try RiskModels.scores(csv: csv, file: file) }
            if let model { return try RiskModels(try common.existingWorkspace()).scores(csv: csv, model: model) }
            return try RiskModels.anomalyScores(csv: csv, algorithm: algorithm, seed: seed, trees: trees)
        }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "evaluate", abstract: "Say how well a model does on rows whose truth is known.",
            discussion: """
                With --csv: on a table that tells the truth. Without it: the model of windows on the windows of the last days, \
                beside the incidents of rules and what people have made of its own.

                Examples:
                  obs model evaluate --since 7d
                  obs model evaluate --csv held-back.csv --model pump-failure
                  obs model evaluate --csv held-back.csv --label failed --model pump-failure \\
                      -o json
                """)
        @Option(help: "A CSV file with headings.") var csv: String?
        @Option(help: "Its column that tells the truth; the one of the training by default.") var label: String?
        @Option(help: "The model's name, perhaps with @ALIAS or @VERSION.") var model = "risk"
        @Option(help: "Without --csv: from then on, 7d (ago) or 2026-11-21T10:00:00Z.") var since = "7d"
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let workspace = try common.existingWorkspace()
            if let csv {
                let (name, at) = ModelCommand.parts(of: model)
                Terminal.show(
                    try RiskModels(workspace).evaluate(csv: csv, label: label, model: name, at: [at]), as: output.output)
            } else {
                let settings = try common.configuration().windowModel()
                Terminal.show(
                    try Models(workspace).compare(
                        settings, [ModelCommand.champion], on: try TimeOptions.range(since: since, until: nil)),
                    as: output.output)
            }
        }
    }
}
