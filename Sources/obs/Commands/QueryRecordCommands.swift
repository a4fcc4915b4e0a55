import Jobs
import ArgumentParser
import Columns
import Foundation
import Query
import Store
import Telemetry

struct QueryAlerts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "List alerts that fire or ended lately, with the incidents that they belong to.",
        discussion: """
            Examples:
              obs query alerts --state firing
              obs query alerts 'host=~"web.*"' -o csv
            """)

    @Argument(help: "Matchers on labels: name=\"value\", !=, =~, !~.")
    var matchers = ""

    @Option(help: "firing or resolved.")
    var state: String?

    @OptionGroup var options: ListOptions

    func run() async throws {
        try await options.show(empty: "no alerts are like that") {
            try RecordQuestions($0.store).alerts(
                state: state, matchers: matchers, since: $1.since, until: $1.until, limit: $1.limit,
                now: .now)
        }
    }
}

struct QueryNotifications: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notifications", abstract: "List what was sent to whom, what waits, and what could not be sent.",
        discussion: """
            Examples:
              obs query notifications --state dead
              obs query notifications --receiver oncall --since 24h
            """)

    @Option(help: "pending, sent or dead.")
    var state: String?

    @Option(help: "The receiver's name.")
    var receiver: String?

    @OptionGroup var options: ListOptions

    func run() async throws {
        try await options.show(empty: "no notifications") {
            try RecordQuestions($0.store).notifications(
                state: state, receiver: receiver, since: $1.since, until: $1.until, limit: $1.limit,
                now: .now)
        }
    }
}

struct QuerySilences: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "silences", abstract: "List silences: who is quiet until when, by whom and why.",
        discussion: """
            Examples:
              obs query silences
              obs query silences --state expired -o json
            """)

    @Option(help: "pending, active or expired; the first two by default.")
    var state: String?

    @OptionGroup var limit: LimitOptions

    @OptionGroup var options: AnswerOptions

    func run() async throws {
        try await options.show(empty: "no silences") {
            try RecordQuestions($0.store).silences(
                state: state, limit: limit.count, now: .now)
        }
    }
}

struct QueryAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "List who did what to what, from where; --verify looks whether anybody has changed that.",
        discussion: """
            Each entry holds the hash of the one before it. --verify follows them all: exit code 1, and the first bad entry, \
            when one was changed, removed, inserted or moved. Keep the head that it prints elsewhere and give it to \
            --expect-head later: without that, an end that was cut off, or a chain that was written anew as a whole, cannot be \
            seen.

            Examples:
              obs query audit --since 24h
              obs query audit --subject INC-1001
              obs query audit --verify
              obs query audit --hashes --limit 1000000 -o csv > audit.csv
            """)

    @Option(help: "Who did it.")
    var actor: String?

    @Option(help: "What it was done to, such as INC-1001.")
    var subject: String?

    @Flag(help: "Show the number and the hash of each entry too.")
    var hashes = false

    @Flag(help: "Look whether the audit is what obs wrote, and print its head.")
    var verify = false

    @Option(help: ArgumentHelp("With --verify: an earlier head, which must still be an entry.", valueName: "hash"))
    var expectHead: String?

    @OptionGroup var options: ListOptions

    func validate() throws {
        if expectHead != nil, !verify { throw ValidationError("--expect-head is for --verify; give both") }
    }

    func run() async throws {
        if verify { return try follow() }
        try await options.show(empty: "nobody has done anything") {
            try RecordQuestions($0.store).audit(
                actor: actor, subject: subject, since: $1.since, until: $1.until, limit: $1.limit, hasHashes: hashes)
        }
    }

    private func follow() throws {
        let found = try options.answer.common.existingWorkspace().store.auditVerification(expecting: expectHead)
        if let problem = found.problem {
            throw BadFinding("the audit is not as obs wrote it: \(problem); \(found.entries) entries before that are sound")
        }
        print("the audit is as obs wrote it: \(found.entries) entries, head \(found.head)")
    }
}
