import Alerting
import Incidents
import ArgumentParser
import Columns
import Foundation
import Jobs
import Query
import Telemetry

struct NotificationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notification", abstract: "Look at dead letters and other notifications, and send dead letters once more.",
        subcommands: [List.self, Show.self, Resend.self, Drop.self])

    fileprivate static func log(_ workspace: Workspace) -> NotificationLog {
        NotificationLog(workspace.incidents)
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List dead letters, newest first: what nobody took.",
            discussion: """
                Examples:
                  obs notification list
                  obs notification list --all --receiver oncall -o json
                """)
        @Flag(help: "Also pending and sent ones.") var all = false
        @Option(help: "Only those to this receiver.") var receiver: String?
        @Option(help: "How many at most.") var limit = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let answer = try NotificationQuestions(NotificationCommand.log(common.existingWorkspace())).list(
                states: all ? nil : [.dead, .resending], receiver: receiver, limit: limit)
            if answer.rows.isEmpty, output.output == .table { return Terminal.say(all ? "no notifications" : "no dead letters") }
            Terminal.show(answer, as: output.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show what a dead letter was to say, as JSON.",
            discussion: """
                Examples:
                  obs notification show 17
                  obs notification show 17 | jq '.payload.alerts[].labels'
                """)
        @Argument(help: "Its number, from 'obs notification list'.") var id: Int64
        @OptionGroup var common: CommonOptions

        private struct Shown: Encodable {
            var id: Int64
            var receiver: String
            var state: String
            var attempts: Int
            var created_at: String
            var error: String?
            var group: String
            var payload: JSON?
        }

        func run() async throws {
            let entry = try NotificationCommand.log(common.existingWorkspace()).entry(id)
            let shown = Shown(
                id: entry.id, receiver: entry.receiver, state: entry.state.rawValue, attempts: entry.attempts,
                created_at: entry.createdAt.description, error: entry.lastError, group: entry.groupKey,
                payload: try entry.payload.map { try JSON(parsing: Array($0.utf8)) })
            Terminal.write(json: String(decoding: try JSON(shown).bytes(isPretty: true), as: UTF8.self) + "\n")
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop", abstract: "Remove dead letters that are of no use any more.",
            discussion: """
                Examples:
                  obs notification drop 17
                  obs notification drop 17 18 --by ann
                """)
        @Argument(help: "Their numbers, from 'obs notification list'.") var ids: [Int64]
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let log = try NotificationCommand.log(common.writableWorkspace())
            for id in ids {
                try log.drop(id, by: who.by, now: .now)
                if !common.quiet { Terminal.say("notification \(id): is dropped") }
            }
        }
    }

    struct Resend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resend", abstract: "Have dead letters sent once more by the running obs.",
            discussion: """
                Who has taken it does not get it again. Correct what was refused first: the receiver's address, its secret, the \
                message.

                Examples:
                  obs notification resend 17 18
                  obs notification resend --all --receiver oncall
                """)
        @Argument(help: "Their numbers, from 'obs notification list'.") var ids: [Int64] = []
        @Flag(help: "All dead letters.") var all = false
        @Option(help: "With --all: only those to this receiver.") var receiver: String?
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard all != !ids.isEmpty else { throw ValidationError("give the numbers of dead letters, or --all") }
        }

        func run() async throws {
            let log = try NotificationCommand.log(common.writableWorkspace())
            let chosen = all ? try log.entries(states: [.dead], receiver: receiver, limit: 100_000).map(\.id).reversed() : ids
            for id in chosen {
                try log.resend(id, by: who.by, now: .now)
                if !common.quiet { Terminal.say("notification \(id): is sent again") }
            }
            if all, !common.quiet { Terminal.say("\(chosen.count) dead letters") }
        }
    }
}
