import Configuration
import Store
import ArgumentParser
import Foundation
import Jobs
import Columns

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the database of incidents to a file, while obs runs.",
        discussion: """
            The copy is of one moment and whole. Tables of the lake are files that are never changed: copy their folder after. \
            With --encrypt it is encrypted, and shows later that it is whole: by --key-file, or by the passphrase in \
            OBS_BACKUP_PASSPHRASE.

            Examples:
              obs backup /var/backups/obs-monday.db
              obs backup obs-copy.db --data-dir /var/lib/obs
              obs backup /mnt/offsite/monday.sealed --encrypt --key-file /etc/obs/backup.key
            """)
    @Argument(help: "The new file.") var file: String
    @Flag(help: "Encrypt it.") var encrypt = false
    @OptionGroup var secret: SealOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let workspace = try common.existingWorkspace()
        if encrypt {
            try workspace.store.backUp(to: file, sealedWith: secret.secret())
        } else {
            guard secret.keyFile == nil else { throw UsageError("--key-file is for --encrypt; give both or none") }
            try workspace.store.backUp(to: file)
        }
        if !common.quiet { Terminal.say("\(file): the database of \(workspace.path) is copied") }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put the database of incidents back to what a backup holds, while obs runs.",
        discussion: """
            The backup is checked first. What is there now is kept beside the database, as obs.db.before-… An encrypted backup \
            is opened with --key-file, or with the passphrase in OBS_BACKUP_PASSPHRASE.

            Examples:
              obs restore /var/backups/obs-monday.db
              obs restore /mnt/offsite/monday.sealed --key-file /etc/obs/backup.key
              obs restore obs-copy.db --data-dir /var/lib/obs
            """)
    @Argument(help: "The backup.") var file: String
    @OptionGroup var secret: SealOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let data = try common.configurationForWriting().dataDirectory
        var plain = file
        if SealedFile.isOne(file) {
            plain = "\(data)/obs.db.\(RandomName.uuid()).part"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try SealedFile.open(file, as: plain, with: secret.secret())
        }
        defer { if plain != file { try? FileManager.default.removeItem(atPath: plain) } }
        let kept = try Workspace.restore(data, from: plain, now: Date())
        if !common.quiet { Terminal.say("\(file) is restored; the previous database is kept as \(kept)") }
    }
}

/// What a backup is encrypted with.
struct SealOptions: ParsableArguments {
    @Option(help: ArgumentHelp("32 random bytes or more, such as of 'openssl rand 32'.", valueName: "file"))
    var keyFile: String?

    func secret() throws -> SealedFile.Secret {
        if let keyFile {
            guard let bytes = FileManager.default.contents(atPath: keyFile), bytes.count <= 1 << 20 else {
                throw UsageError("\(keyFile): cannot be read as a key file")
            }
            return .key(bytes)
        }
        guard let text = ProcessInfo.processInfo.environment["OBS_BACKUP_PASSPHRASE"], !text.isEmpty else {
            throw UsageError("the backup needs --key-file, or a passphrase in the variable OBS_BACKUP_PASSPHRASE")
        }
        return .passphrase(text)
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
