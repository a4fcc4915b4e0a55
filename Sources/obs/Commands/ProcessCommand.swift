import ArgumentParser
import Configuration
import Daemon
import Foundation
import Jobs
import Parsing
import Streaming
import Synchronization

/// How stamps without year or zone are read.
struct StampOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The year of a file's first line, where its stamps have none.", valueName: "year"))
    var year: Int?

    @Option(
        help: ArgumentHelp(
            "The zone of stamps that have none, such as Europe/Berlin; this machine's by default.", valueName: "zone"))
    var timeZone: String?

    func context() throws -> ParsingContext {
        guard let timeZone else { return ParsingContext(year: year) }
        guard let zone = TimeZone(identifier: timeZone) else {
            throw UsageError("--time-zone is '\(timeZone)'; write a name such as Europe/Berlin or UTC")
        }
        return ParsingContext(year: year, timeZone: zone)
    }
}

struct ProcessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "process", abstract: "Process files once: plain or compressed, - for standard input.",
        discussion: """
            Compressed by gzip, zstd, xz or bzip2. What was processed before, by this command or by 'obs run', is known by its \
            content, and is \
            not read again. A last line without its end is left for a later run where the file may still grow: where it is \
            neither \
            compressed nor a pipe. Ctrl-C commits what was read and ends with 130; the same command goes on from there. While \
            'obs run' \
            has the pipeline on the same data directory, it refuses.

            Examples:
              obs process /var/log/auth.log*
              zcat old.gz | obs process - --year 2015 --data-dir /tmp/old
              obs process --pipeline shop views=views.jsonl users=users.jsonl \\
                  orders=shop.db#orders products=products
            """)

    @Argument(
        help:
            """
            The files, a folder with a JSON file per record, or FILE#TABLE of SQLite; INPUT=FILE for a pipeline of several \
            inputs.
            """
    )
    var files: [String]

    @Option(help: "The pipeline that understands them.")
    var pipeline = "ssh"

    @Flag(help: "Forget what was processed before, and start anew.")
    var newCheckpoint = false

    @Flag(help: "Take a last line without its end for whole.")
    var whole = false

    @OptionGroup var stamps: StampOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        var options = Processing.Options(files: files)
        options.pipeline = pipeline
        options.context = try stamps.context()
        options.startsAnew = newCheckpoint
        options.takesUnfinishedLines = whole
        let left = Mutex<[String]>([])
        let bar = ProgressBar("processing", isQuiet: common.quiet)
        let start = ContinuousClock.now
        let job = options, configuration = try common.configurationForWriting()
        let summary = try await UntilSignal.run {
            try await Processing.run(job, configuration, unfinished: { path in left.withLock { $0.append(path) } }) {
                bar.update(bytes: $0, of: $1)
            }
        }
        bar.finish()
        if !common.quiet {
            let took = ContinuousClock.now - start
            let seconds = String(format: "%.2f", Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)
            Terminal.say(
                """
                \(summary.lines) lines in \(seconds) s: \(summary.events) events, \(summary.quarantined) in quarantine, \
                \(summary.windows) windows, \(summary.late) late
                """
            )
        }
        for path in left.withLock({ $0 }) where !common.quiet {
            Terminal.say("\(path): the last line has no end yet and is left for a later run; --whole takes it")
        }
        guard summary.isInterrupted else { return }
        Terminal.say("stopped before the end; these lines are committed, and the same command goes on from there")
        throw ExitCode(SecondSignal.exitCode)
    }
}
