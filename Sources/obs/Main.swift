import Access
import ArgumentParser
import Columns
import Configuration
import Daemon
import Foundation
import Jobs
import Parsing
import Incidents
import Query

/// The command line: parses the words, runs one command, and turns what went wrong into one sentence and an exit code.
@main
struct Obs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "obs",
        abstract: "Watches data pipelines and the hosts that they run on.",
        discussion: """
            Start with `obs demo`: simulated traffic, an attack, an incident, a webhook. Then `obs run -c obs.yaml`.

            Exit codes: 0 done, 1 what was looked at is bad (check, verify), 2 wrong usage, 3 something outside failed.
            """,
        version: BuildInfo.version,
        subcommands: [
            InitCommand.self, RunCommand.self, DemoCommand.self, ProcessCommand.self, ReplayCommand.self, ParseCommand.self,
            QueryCommand.self,
            IncidentCommand.self, BlocklistCommand.self, SilenceCommand.self, AlertCommand.self, RouteCommand.self,
            NotificationCommand.self,
            ModelCommand.self, RulesCommand.self, LakeCommand.self, VerifyCommand.self,
            SimulateCommand.self, CheckCommand.self, OnCallCommand.self, BackupCommand.self, RestoreCommand.self,
            TokenCommand.self, UserCommand.self, SinkCommand.self,
        ])

    static func main() async {
        // A reader that has gone (`obs query … | head`) ends the program by a failed write, not by a signal in the middle of one.
        signal(SIGPIPE, SIG_IGN)
        // Logs, incidents and evidence are for their owner. By the mask and not where each file is made, because SQLite and
        // libraries make files too.
        DataDirectory.setMask()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Foundation.exit(report(error))
        }
    }

    /// Says what went wrong on standard error (help and version go to standard output) and gives the exit code.
    private static func report(_ error: any Error) -> Int32 {
        let code = exitCode(for: error)
        if code.isSuccess {
            print(fullMessage(for: error))
            return 0
        }
        if error is ExitCode { return code.rawValue }
        if let finding = error as? BadFinding {
            complain(finding.description)
            return 1
        }
        // What a question cannot be is wrong usage, whoever finds it out; so is a configuration that cannot be.
        if error is UsageError || error is QueryError || error is FilterError || error is FormatError
            || error is ConfigurationError || error is AccessError
            || error is Matcher.Malformed || error is RegularExpression.Malformed
        {
            complain(String(describing: error))
            return 2
        }
        if code == .validationFailure {
            complain(misuse(error))
            return 2
        }
        complain(sentence(error))
        return 3
    }

    /// The message of the argument parser in one line: without the usage, but with the command that shows it.
    private static func misuse(_ error: any Error) -> String {
        let hint = fullMessage(for: error).firstMatch(of: /See '([^']*--help)'/).map { "; see '\($0.1)'" } ?? ""
        let said = OutsideText(message(for: error)).lines.first { !$0.isEmpty } ?? "this is not a command of obs"
        return (said.utf8.last == UInt8(ascii: ".") ? String(said.unicodeScalars.dropLast()) : said) + hint
    }

    /// A sentence from a room as it is. Foundation's errors describe themselves with type names and dictionaries: of them the
    /// path and the reason are kept.
    private static func sentence(_ error: any Error) -> String {
        guard let error = error as? CocoaError else {
            return DataDirectory.damage(error) ?? String(describing: error)
        }
        let reason = (error.underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
        let path = error.filePath.map { "\($0): " } ?? ""
        return path + (reason ?? error.localizedDescription)
    }

    private static func complain(_ text: String) {
        for line in OutsideText(text).split(where: { $0 == "\n" }) { Terminal.say(line) }
    }
}
