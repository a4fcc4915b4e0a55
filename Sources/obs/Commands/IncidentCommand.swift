import Jobs
import Alerting
import Incidents
import ArgumentParser
import Columns
import Foundation
import Telemetry

struct IncidentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "Acknowledge, hand back, resolve, assign, merge or annotate incidents.",
        subcommands: [
            Acknowledge.self, HandBack.self, Resolve.self, Reopen.self, Assign.self, AddNote.self, Merge.self, Split.self,
        ])

    /// Who acts.
    struct Who: ParsableArguments {
        @Option(help: "Who does it; your user name by default.")
        var by: String = ProcessInfo.processInfo.environment["USER"] ?? NSUserName()
    }

    struct Acknowledge: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack", abstract: "Take incidents: you look at them.",
            discussion: """
                Repetitions and escalation stop for these incidents until they end; whatever else comes notifies as
                before. From then on an incident ends by hand only.

                Examples:
                  obs incident ack INC-1001
                  obs incident ack INC-1001 INC-1002 --note "blocked at the firewall"
                """)
        @Argument(help: "Their ids, such as INC-1001 or 1001.") var ids: [String]
        @OptionGroup var options: IncidentActionOptions
        @Option(help: "What to write down.") var note: String?
        var action: IncidentStore.Action { .acknowledge }
        var past: String { "acknowledged" }
    }

    struct HandBack: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "hand-back", abstract: "Take back an acknowledgement: nobody has the incident any longer.",
            discussion: """
                Repetitions and escalation go on where they were; the time in between does not count.

                Examples:
                  obs incident hand-back INC-1001
                  obs incident unack INC-1001 --note "the wrong one"
                """, aliases: ["unack"])
        @Argument(help: "Their ids, such as INC-1001 or 1001.") var ids: [String]
        @OptionGroup var options: IncidentActionOptions
        @Option(help: "What to write down.") var note: String?
        var action: IncidentStore.Action { .handBack }
        var past: String { "handed back" }
    }

    struct Resolve: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "resolve", abstract: "End incidents.",
            discussion: """
                Examples:
                  obs incident resolve INC-1001 --note "password changed"
                  obs incident resolve 1001 1002 --as false-positive
                """)
        @Argument(help: "Their ids, such as INC-1001 or 1001.") var ids: [String]
        @Option(name: .customLong("as"), help: "fixed, false-positive (counted by rule) or expected.")
        var resolution = ResolutionWord.fixed
        @OptionGroup var options: IncidentActionOptions
        @Option(help: "What to write down.") var note: String?
        var action: IncidentStore.Action { .end(as: resolution.resolution) }
        var past: String { "resolved" }
    }

    struct Reopen: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "reopen", abstract: "Open incidents that have not ended after all.",
            discussion: """
                Examples:
                  obs incident reopen INC-1001
                  obs incident reopen INC-1001 --note "it is back"
                """)
        @Argument(help: "Their ids, such as INC-1001 or 1001.") var ids: [String]
        @OptionGroup var options: IncidentActionOptions
        @Option(help: "What to write down.") var note: String?
        var action: IncidentStore.Action { .reopen }
        var past: String { "reopened" }
    }

    struct Assign: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "assign", abstract: "Say who is to deal with incidents.",
            discussion: """
                Examples:
                  obs incident assign INC-1001 --to ann
                  obs incident assign INC-1001 --nobody
                """)
        @Argument(help: "Their ids, such as INC-1001 or 1001.") var ids: [String]
        @Option(help: "The name of the person.") var to: String?
        @Flag(help: "Take them from whoever has them.") var nobody = false
        @OptionGroup var options: IncidentActionOptions
        @Option(help: "What to write down.") var note: String?
        var action: IncidentStore.Action { .assign(to: to) }
        var past: String { to.map { "assigned to \($0)" } ?? "assigned to nobody" }
        func validate() throws {
            guard (to != nil) != nobody else { throw ValidationError("say --to NAME or --nobody") }
        }
    }

    struct AddNote: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "note", abstract: "Write something down on an incident's timeline.",
            discussion: """
                Examples:
                  obs incident note INC-1001 "asked the network team"
                  obs incident note 1001 "false alarm?" --by alice
                """)
        @Argument(help: "Its id, such as INC-1001 or 1001.") var id: String
        @Argument(help: "What to write down.") var text: String
        @OptionGroup var options: IncidentActionOptions
        var ids: [String] { [id] }
        var note: String? { text }
        var action: IncidentStore.Action { .note }
        var past: String { "noted" }
    }

    struct Merge: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "merge", abstract: "Make incidents children of another.",
            discussion: """
                From then on they are acknowledged, resolved and shown with it. They keep their numbers, evidence and timelines.

                Examples:
                  obs incident merge INC-1001 INC-1002 INC-1003
                  obs incident merge INC-1001 INC-1002 --note "the same attacker"
                """)
        @Argument(help: "The incident that stays.") var parent: String
        @Argument(help: "Those that become its children.") var children: [String]
        @OptionGroup var options: IncidentActionOptions
        @Option(help: "Why.") var note: String?
        var ids: [String] { [parent] }
        var action: IncidentStore.Action { .merge(children) }
        var past: String { "\(children.joined(separator: ", ")) merged into it" }
    }

    struct Split: IncidentActionCommand {
        static let configuration = CommandConfiguration(
            commandName: "split", abstract: "Take incidents out of the one that they were merged into.",
            discussion: """
                Examples:
                  obs incident split INC-1002
                  obs incident split INC-1002 --note "another attacker"
                """)
        @Argument(help: "The children.") var ids: [String]
        @OptionGroup var options: IncidentActionOptions
        @Option(help: "Why.") var note: String?
        var action: IncidentStore.Action { .split }
        var past: String { "an incident of its own" }
    }
}

/// How a person may end an incident; that it ended by itself is not for a person to say.
enum ResolutionWord: String, ExpressibleByArgument, CaseIterable {
    case fixed
    case falsePositive = "false-positive"
    case expected

    var resolution: Incident.Resolution {
        switch self {
        case .fixed: .fixed
        case .falsePositive: .falsePositive
        case .expected: .expected
        }
    }
}

/// What every action on incidents takes.
struct IncidentActionOptions: ParsableArguments {
    @OptionGroup var who: IncidentCommand.Who

    @Option(help: ArgumentHelp("Only if the incident is still at this version.", valueName: "number"))
    var ifVersion: Int?

    @OptionGroup var common: CommonOptions
}

/// A command that does one thing to each incident that is named, and says of each how it went.
protocol IncidentActionCommand: AsyncParsableCommand {
    var ids: [String] { get }
    var options: IncidentActionOptions { get }
    var note: String? { get }
    var action: IncidentStore.Action { get }
    /// What has been done, for the line that says so.
    var past: String { get }
}

extension IncidentActionCommand {
    func run() async throws {
        let incidents = try options.common.writableWorkspace().incidents
        var failures: [any Error] = []
        for id in ids {
            do {
                let now = Timestamp.now
                let incident = try incidents.perform(
                    action, on: id, by: options.who.by, note: note, ifVersion: options.ifVersion, now: now)
                if !options.common.quiet { Terminal.say("\(incident.id): \(past)") }
            } catch {
                // One that cannot be done does not keep the others from being done.
                failures.append(error)
            }
        }
        guard let last = failures.last else { return }
        for failure in failures.dropLast() { Terminal.say("\(failure)") }
        throw last
    }
}
