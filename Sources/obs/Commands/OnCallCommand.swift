import Alerting
import Incidents
import ArgumentParser
import Columns
import Configuration
import Jobs
import Query
import Telemetry

struct OnCallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "oncall", abstract: "Say who is on call.", subcommands: [Who.self, Shifts.self], defaultSubcommand: Who.self)

    struct Who: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "who", abstract: "Say who is on call now, or at a time.",
            discussion: """
                Examples:
                  obs oncall who
                  obs oncall who --at 2026-12-24T20:00:00Z --schedule primary -o json
                """)
        @Option(help: ArgumentHelp("When: now, 2h (ago), today, or 2026-11-21T10:00:00Z.", valueName: "time")) var at = "now"
        @Option(help: "The schedule; all by default.") var schedule: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let now = try Timestamp(parsing: at, now: .now)
            Terminal.show(
                try OnCallQuestions(common.configuration().alerting.schedules).who(at: now, schedule: schedule), as: output.output
            )
        }
    }

    struct Shifts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "shifts", abstract: "List shifts, and how many incidents were opened in each.",
            discussion: """
                Examples:
                  obs oncall shifts --since 30d
                  obs oncall shifts --schedule primary --since 7d -o csv
                """)
        @Option(help: "The schedule; all by default.") var schedule: String?
        @OptionGroup var times: TimeOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions
        func run() async throws {
            let configuration = try common.configuration()
            let now = Timestamp.now
            Terminal.show(
                try OnCallQuestions(configuration.alerting.schedules).shifts(
                    from: try times.from() ?? now - .seconds(30 * 86_400), until: try times.to() ?? now, schedule: schedule,
                    incidents: try common.existingWorkspace().incidents),
                as: output.output)
        }
    }
}
