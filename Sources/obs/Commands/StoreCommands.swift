import Configuration
import Store
import ArgumentParser
import Foundation
import Jobs

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the database of incidents to a file, while obs runs.",
        discussion: """
            The copy is of one moment and whole. Tables of the lake are files that are never changed: copy their folder after.

            Examples:
              obs backup /var/backups/obs-monday.db
              obs backup obs-copy.db --data-dir /var/lib/obs
            """)
    @Argument(help: "The new file.") var file: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let workspace = try common.existingWorkspace()
        try workspace.store.backUp(to: file)
        if !common.quiet { Terminal.say("\(file): the database of \(workspace.path) is copied") }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put the database of incidents back to what a backup holds, while obs runs.",
        discussion: """
            The backup is checked first. What is there now is kept beside the database, as obs.db.before-…

            Examples:
              obs restore /var/backups/obs-monday.db
              obs restore obs-copy.db --data-dir /var/lib/obs
            """)
    @Argument(help: "The backup.") var file: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let kept = try Workspace.restore(try common.configurationForWriting().dataDirectory, from: file, now: Date())
        if !common.quiet { Terminal.say("\(file) is restored; the previous database is kept as \(kept)") }
    }
}

struct CheckStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Check the files of the data directory, but for its tables: 1 when one is damaged.",
        discussion: """
            The database of incidents (its pages, indexes, references, search and rows), the newest gold rows, the checkpoints \
            of the pipelines, the models and the key of acknowledge \
            links. Of tables 'obs lake verify' reads every file.

            Examples:
              obs check store
              obs check store --data-dir /var/lib/obs
            """)
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let workspace = try common.existingWorkspace()
        let problems = DataInspection(workspace).problems()
        guard problems.isEmpty else { throw BadFinding(problems.joined(separator: "\n")) }
        print("\(workspace.store.path) is well")
    }
}
