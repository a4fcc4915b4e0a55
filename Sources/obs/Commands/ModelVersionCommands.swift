import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query

/// What `obs model` does with versions and their aliases.
extension ModelCommand {
    /// The alias of the version that judges.
    static let champion = Models.champion

    /// Parts `NAME@ALIAS`.
    static func parts(of reference: String) -> (name: String, at: String) { Models.parts(of: reference) }

    /// Shows a change to the MLflow server of the configuration, if it has one. The change is made, whether the server is there
    /// or not.
    static func publish(_ configuration: Configuration, _ workspace: Workspace) {
        guard let settings = configuration.mlflow else { return }
        do { _ = try MLflowPublisher(settings, workspace).publish() } catch {
            Terminal.say("the change is made here, and not at MLflow: \(error); 'obs model publish' tries again")
        }
    }

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish", abstract: "Bring the registry to the MLflow server of the configuration.",
            discussion: """
                Versions that are not there yet, as runs and registered versions, and the aliases as they are here.

                Examples:
                  obs model publish
                  obs model publish -c /etc/obs/obs.yaml -o json
                """)
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            guard let settings = try common.configuration().mlflow else {
                throw UsageError("the configuration has no section 'mlflow'; add one with tracking_uri")
            }
            Terminal.show(try MLflowPublisher(settings, try common.writableWorkspace()).publish(), as: output.output)
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

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show all that is known of a version of a model.",
            discussion: """
                The champion, or NAME@ALIAS, or NAME@VERSION.

                Examples:
                  obs model show ssh-source-windows
                  obs model show ssh-source-windows@challenger -o json
                """)
        @Argument(help: "The model.") var model: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            Terminal.show(try Models(try common.existingWorkspace()).show(model), as: output.output)
        }
    }

    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "alias", abstract: "Give a version of a model an alias, or take one away.",
            discussion: """
                The champion judges, the challenger runs beside it; other aliases are yours. A running obs uses the version \
                from the next rows on.

                Examples:
                  obs model alias ssh-source-windows champion 3
                  obs model alias ssh-source-windows champion challenger
                  obs model alias ssh-source-windows challenger --remove
                """)
        @Argument(help: "The model.") var name: String
        @Argument(help: "The alias.") var alias: String
        @Argument(help: "The version, or an alias that it has.") var version: String?
        @Flag(help: "Take the alias away.") var remove = false
        @Option(help: "Who does it.") var by: String = ProcessInfo.processInfo.environment["USER"] ?? NSUserName()
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            guard remove == (version == nil) else {
                throw UsageError("name the version that becomes the \(alias) of '\(name)', or take the alias away with --remove")
            }
            let workspace = try common.writableWorkspace(), models = Models(workspace)
            Terminal.show(try models.setAlias(alias, of: name, to: version, actor: by), as: output.output)
            ModelCommand.publish(try common.configuration(), workspace)
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollback", abstract: "Make the champion before the present one the champion again.",
            discussion: """
                Done twice it goes back by two.

                Examples:
                  obs model rollback ssh-source-windows
                  obs model rollback rail-fault-risk -o json
                """)
        @Argument(help: "The model.") var name: String
        @Option(help: "Who does it.") var by: String = ProcessInfo.processInfo.environment["USER"] ?? NSUserName()
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let workspace = try common.writableWorkspace()
            Terminal.show(try Models(workspace).rollback(name, actor: by), as: output.output)
            ModelCommand.publish(try common.configuration(), workspace)
        }
    }

    struct Compare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "compare", abstract: "Compare two versions of a model on the same rows.",
            discussion: """
                With --csv: on a table that tells the truth. Without it: versions of the model of windows on the windows of the \
                last days. A window is real when a rule has found something in it, or somebody has confirmed what a model \
                found; it is a false alarm when somebody has resolved its incident as a false positive.

                Examples:
                  obs model compare ssh-source-windows
                  obs model compare ssh-source-windows 3 5 --since 14d
                  obs model compare pump-failure --csv held-back.csv -o json
                """)
        @Argument(help: "The model.") var name: String
        @Argument(help: "Versions or aliases; champion and challenger by default.") var versions: [String] = []
        @Option(help: "Without --csv: from then on, 7d (ago) or 2026-11-21T10:00:00Z.") var since = "7d"
        @Option(help: "Without --csv: until then.") var until: String?
        @Option(help: "A CSV file with headings.") var csv: String?
        @Option(help: "Its column that tells the truth; the one of the training by default.") var label: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let workspace = try common.existingWorkspace()
            let compared = versions.isEmpty ? [Models.champion, Models.challenger] : versions
            if let csv {
                Terminal.show(
                    try RiskModels(workspace).evaluate(csv: csv, label: label, model: name, at: compared), as: output.output)
                return
            }
            let settings = try common.configuration().windowModel(named: name)
            Terminal.show(
                try Models(workspace).compare(settings, compared, on: try TimeOptions.range(since: since, until: until)),
                as: output.output)
        }
    }
}
