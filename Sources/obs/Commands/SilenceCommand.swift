import Alerting
import Incidents
import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query
import Telemetry

struct SilenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "silence", abstract: "Keep alerts quiet for a while, and see which are.",
        discussion:
            """
            They are in the data directory; a running obs applies them at once. With --url they are those of the obs or \
            Alertmanager there.
            """,
        subcommands: [Add.self, List.self, Expire.self])

    fileprivate static func silences(_ workspace: Workspace) -> SilenceStore {
        SilenceStore(workspace.store)
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Silence what all of the matchers match, and print the silence's id.",
            discussion: """
                Examples:
                  obs silence add 'alertname="DiskFull"' 'host=~"db-.*"' --for 2h \\
                      --comment "disks are being replaced"
                  obs silence add severity=info --for 8h --comment "release night" --by alice \\
                      --url http://obs:9464
                """)
        @Argument(help: "Matchers: name=\"value\", !=, =~, !~.") var matchers: [String]
        @Option(name: .customLong("for"), help: "How long, such as 2h.") var duration = "1h"
        @Option(help: ArgumentHelp("From then on; now by default.", valueName: "time")) var start: String?
        @Option(help: "Why.") var comment: String
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var server: ServerOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let now = Timestamp.now
            guard let length = Duration(parsing: duration), length > .zero else {
                throw UsageError("--for is '\(duration)'; write a duration such as 30m or 2h")
            }
            let from = try start.map { try Timestamp(parsing: $0, now: now) } ?? now
            let matchers = try matchers.flatMap { try [Matcher](parsing: $0) }.bounded()
            if let client = try server.client() {
                return print(
                    try await client.silence(matchers, from: from, until: from + length, createdBy: who.by, comment: comment))
            }
            print(
                try SilenceCommand.silences(common.writableWorkspace()).set(
                    matchers: matchers, startsAt: from, endsAt: from + length, createdBy: who.by, comment: comment, now: now))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List silences that hold or will.",
            discussion: """
                Examples:
                  obs silence list
                  obs silence list --expired -o json
                """)
        @Flag(help: "Also those that have ended.") var expired = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ServerOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let now = Timestamp.now
            let all = try await server.client()?.silences() ?? SilenceCommand.silences(common.existingWorkspace()).silences()
            let found = all.filter { expired || $0.state(at: now) != .expired }.sorted { $0.endsAt < $1.endsAt }
            if found.isEmpty, output.output == .table { return Terminal.say("no silences") }
            Terminal.show(.silences(found, now: now), as: output.output)
        }
    }

    struct Expire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "expire", abstract: "End silences now.",
            discussion: """
                Examples:
                  obs silence expire 936d53e2-8da9-4e81-af09-3e09fbd584f3
                  obs silence expire $(obs silence list -o json | jq -r '.[].id')
                """)
        @Argument(help: "Ids, from 'obs silence list'.") var ids: [String]
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var server: ServerOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            if let client = try server.client() {
                for id in ids { try await client.expire(id) }
                return
            }
            let store = try SilenceCommand.silences(common.writableWorkspace())
            for id in ids { try store.expire(id, by: who.by, now: .now) }
        }
    }
}
