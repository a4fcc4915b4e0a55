import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Lake
import Query

struct LakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lake", abstract: "Look at the tables, export them and keep them small.",
        subcommands: [
            Tables.self, History.self, Export.self, Optimize.self, Vacuum.self, Retain.self, Erase.self, Verify.self,
        ])

    struct Tables: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tables",
            abstract: "List the tables: how large they are, since when they have rows, and when the disk is full.",
            discussion: """
                bytes_per_day is what the rows of the last day take; disk_full_at is when the disk is full if all tables go on \
                growing so and nothing is removed.

                Examples:
                  obs lake tables
                  obs lake tables -o json
                """)
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let lake = try common.existingLake()
            let answer = try LakeQuestions(lake).tables(disk: DiskSpace(at: lake.root))
            if answer.rows.isEmpty, output.output == .table {
                return Terminal.say("no tables yet; 'obs process FILE' makes some")
            }
            Terminal.show(answer, as: output.output)
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history", abstract: "List the versions of a table, newest first.",
            discussion: """
                Examples:
                  obs lake history silver.ssh
                  obs lake history gold.ssh_by_source --limit 5 -o json
                """)
        @Argument(help: "The table, such as silver.ssh.") var table: String
        @Option(help: "How many at most: the newest.") var limit = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            Terminal.show(try common.lake().history(of: table, limit: max(1, limit)), as: output.output)
        }
    }

    struct Optimize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "optimize", abstract: "Merge small files of tables; readers and writers go on meanwhile.",
            discussion: """
                The old files stay until `obs lake vacuum`. A running obs does this for its own tables.

                Examples:
                  obs lake optimize silver.ssh
                  obs lake optimize --target-size 64 -o json
                """)
        @Argument(help: "The tables; all if none is named.") var tables: [String] = []
        @Option(help: ArgumentHelp("About how large a merged file is to be.", valueName: "MB")) var targetSize = 128
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            guard (1...4096).contains(targetSize) else {
                throw UsageError("--target-size is \(targetSize); write megabytes from 1 to 4096")
            }
            Terminal.show(try common.writingLake().optimize(tables, targetFileSize: targetSize << 20), as: output.output)
        }
    }

    struct Vacuum: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "vacuum", abstract: "Delete files that tables no longer need.",
            discussion: """
                Files that were removed from a table stay for those who read an older version: seven days, if the table does \
                not say otherwise. Files that no \
                commit names, which a crash left behind, stay as long.

                Examples:
                  obs lake vacuum --dry-run
                  obs lake vacuum silver.ssh --keep 24h
                """)
        @Argument(help: "The tables; all if none is named.") var tables: [String] = []
        @Option(help: ArgumentHelp("How long files that are not needed any more stay, such as 24h or 7d.", valueName: "duration"))
        var keep: String?
        @Flag(help: "Only list what would be deleted.") var dryRun = false
        @Flag(help: "Allow less than an hour, which can break who reads or writes just now.") var force = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            var retention: Duration?
            if let keep {
                guard let duration = Duration(parsing: keep), duration >= .zero else {
                    throw UsageError("--keep is '\(keep)'; write a duration such as 24h or 7d")
                }
                guard duration >= .seconds(3600) || dryRun || force else {
                    throw UsageError(
                        "--keep \(keep) can delete files that are being written or read; stop obs and add --force, or keep 1h")
                }
                retention = duration
            }
            Terminal.show(
                try (dryRun ? common.lake() : common.writingLake()).vacuum(tables, keeping: retention, isDryRun: dryRun),
                as: output.output)
        }
    }

    struct Retain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retain", abstract: "Remove old rows from tables now, as 'obs run' does it by itself.",
            discussion: """
                The section `retention` of obs.yaml says what is kept: by age, by size, by share of the disk. Whole files go, \
                oldest first. Each removal is in the audit.

                Examples:
                  obs lake retain --dry-run
                  obs lake retain -c obs.yaml -o json
                """)
        @Flag(help: "Only list what would be removed.") var dryRun = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let policy = try common.configuration().retention
            let outcome: Retention.Outcome
            let lake: Lake
            if dryRun {
                lake = try common.existingLake()
                let root = lake.root
                outcome = try Retention(policy) { DiskSpace(at: root) }.round(lake, isDryRun: true)
            } else {
                let workspace = try common.writableWorkspace()
                lake = workspace.lake
                let root = lake.root
                outcome = try Retaining.round(workspace, policy, actor: NSUserName()) { DiskSpace(at: root) }
            }
            Terminal.show(LakeQuestions(lake).retention(outcome, isDryRun: dryRun), as: output.output)
            if !outcome.failures.isEmpty { throw ExitCode(3) }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Read every file of tables and say what is wrong; exit code 1 if anything is.",
            discussion: """
                Each file is there and as long as the log says, its checksums are right, its rows and nulls as many as its \
                statistics say.

                Examples:
                  obs lake verify
                  obs lake verify silver.ssh -o json
                """)
        @Argument(help: "The tables; all if none is named.") var tables: [String] = []
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let bar = ProgressBar("verifying", isQuiet: common.quiet)
            let (answer, isWell) = try common.lake().verify(tables) { bar.update(bytes: $0, of: $1) }
            bar.finish()
            Terminal.show(answer, as: output.output)
            if !isWell { throw ExitCode(1) }
        }
    }
}

extension CommonOptions {
    fileprivate func lake() throws -> LakeQuestions { LakeQuestions(try existingLake()) }
    fileprivate func writingLake() throws -> LakeQuestions { LakeQuestions(try writableLake()) }
}
