import Alerting
import ArgumentParser
import Columns
import Daemon
import Foundation
import Telemetry

struct IncidentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "Acknowledge, resolve or annotate incidents.",
        subcommands: [Acknowledge.self, Resolve.self, AddNote.self])

    struct Who: ParsableArguments {
        @Option(help: "Who does it; your user name by default.")
        var by: String = ProcessInfo.processInfo.environment["USER"] ?? NSUserName()
    }

    static func perform(_ action: IncidentStore.Action, _ ids: [String], _ who: Who, _ note: String?, _ common: CommonOptions)
        throws
    {
        let incidents = try Workspace(try common.configuration().dataDirectory).incidents
        for id in ids {
            try incidents.perform(action, on: id, by: who.by, note: note, now: Timestamp(microseconds: WallClock.microseconds))
            if !common.quiet { Terminal.say("\(id): done") }
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack", abstract: "Take incidents: you look at them.",
            discussion: """
                Examples:
                  obs incident ack INC-1001
                  obs incident ack INC-1001 INC-1002 --note "blocked at the firewall"
                """)
        @Argument var ids: [String]
        @Option(help: "What to write down.") var note: String?
        @OptionGroup var who: Who
        @OptionGroup var common: CommonOptions
        func run() async throws { try IncidentCommand.perform(.acknowledge, ids, who, note, common) }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resolve", abstract: "End incidents.",
            discussion: """
                Examples:
                  obs incident resolve INC-1001 --note "password changed"
                  obs incident resolve 1001 1002
                """)
        @Argument var ids: [String]
        @Option(help: "What to write down.") var note: String?
        @OptionGroup var who: Who
        @OptionGroup var common: CommonOptions
        func run() async throws { try IncidentCommand.perform(.resolve, ids, who, note, common) }
    }

    struct AddNote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "note", abstract: "Write something down on an incident's timeline.",
            discussion: """
                Examples:
                  obs incident note INC-1001 "asked the network team"
                  obs incident note 1001 "false alarm?" --by alice
                """)
        @Argument var id: String
        @Argument var text: String
        @OptionGroup var who: Who
        @OptionGroup var common: CommonOptions
        func run() async throws { try IncidentCommand.perform(.note, [id], who, text, common) }
    }
}
