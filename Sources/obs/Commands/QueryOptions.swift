import ArgumentParser
import Columns
import Foundation
import Jobs
import Query
import Telemetry

/// From when to when.
struct TimeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("From then on: 2h (ago), today, or 2026-11-21T10:00:00Z.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Up to then.", valueName: "time"))
    var until: String?

    static func parse(_ text: String) throws -> Timestamp {
        do {
            return try Timestamp(parsing: text, now: .now)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// From `since` to `until`; without one of them, from the first time or to the last.
    static func range(since: String?, until: String?) throws -> ClosedRange<Timestamp> {
        let from = try since.map(parse) ?? Timestamp(year: 1, month: 1, day: 1)
        let to = try until.map(parse) ?? Timestamp(year: 9999, month: 12, day: 31)
        guard from <= to else { throw ValidationError("--since is later than --until") }
        return from...to
    }

    func from() throws -> Timestamp? { try since.map(Self.parse) }
    func to() throws -> Timestamp? { try until.map(Self.parse) }

    func validate() throws { _ = (try from(), try to()) }
}

/// How many rows are wanted.
struct LimitOptions: ParsableArguments {
    @Option(name: .customLong("limit"), help: ArgumentHelp("How many at most: the newest.", valueName: "number"))
    var count = 100

    func validate() throws {
        guard count > 0 else { throw ValidationError("--limit is \(count); write a number from 1 on") }
    }
}

/// How an answer is shown, and whether it is shown again and again.
struct AnswerOptions: ParsableArguments {
    @OptionGroup var output: OutputOptions

    @Flag(help: "Show it again every two seconds, until Ctrl-C; on a terminal only.")
    var watch = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if watch, !Terminal.isOutputTerminal {
            throw ValidationError("--watch needs a terminal; leave it out, or ask again in a loop")
        }
    }

    /// Opens the data directory, asks, and shows what comes, once or for as long as it is watched.
    ///
    /// - Parameter empty: what is said when a table would have no rows.
    func show(empty: String, _ ask: (Workspace) throws -> Answer) async throws {
        let workspace = try common.existingWorkspace()
        repeat {
            var answer = try ask(workspace)
            if watch {
                // What does not fit would push the head of the table out of sight.
                answer.rows = Array(answer.rows.prefix(Terminal.height() - 3))
                Terminal.clear()
            }
            if answer.rows.isEmpty, output.output == .table {
                if !common.quiet { Terminal.say(empty) }
            } else {
                Terminal.show(answer, as: output.output, isQuiet: common.quiet)
            }
            if watch { try await Task.sleep(for: .seconds(2)) }
        } while watch
    }
}

/// What most lists take: how many rows, from when to when, and how they are shown.
struct ListOptions: ParsableArguments {
    /// The part of a list that is wanted.
    struct Part {
        let since, until: Timestamp?
        let limit: Int
    }

    @OptionGroup var limit: LimitOptions
    @OptionGroup var times: TimeOptions
    @OptionGroup var answer: AnswerOptions

    /// Asks for the part that is wanted and shows it, as ``AnswerOptions/show(empty:_:)`` does.
    func show(empty: String, _ ask: (Workspace, Part) throws -> Answer) async throws {
        // Once: while it is watched, two hours ago stays when it was.
        let part = Part(since: try times.from(), until: try times.to(), limit: limit.count)
        try await answer.show(empty: empty) { try ask($0, part) }
    }
}
