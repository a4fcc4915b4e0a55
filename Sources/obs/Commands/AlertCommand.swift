import Jobs
import Logging
import Alerting
import Incidents
import ArgumentParser
import Columns
import Configuration
import Foundation
import Query
import Telemetry

struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "Raise alerts by hand, and see which hold.",
        discussion:
            """
            They are in the data directory; a running obs notifies of them at once. With --url they are those of the obs or \
            Alertmanager there.
            """,
        subcommands: [Add.self, List.self])

    /// The way into the data directory, beside an obs that may run there.
    fileprivate static func inbox(_ common: CommonOptions) throws -> AlertInbox {
        AlertInbox(
            try common.configuration().alerting, incidents: try common.writableWorkspace().incidents, metrics: MetricsRegistry(),
            logger: .init(label: "obs"))
    }

    /// Parts `name=value` words.
    static func pairs(_ words: [String]) throws -> Labels {
        var pairs: Labels = [:]
        for word in words {
            let scalars = word.unicodeScalars
            guard let sign = scalars.firstIndex(of: "="), sign != word.startIndex else {
                throw UsageError("'\(word)' is not a label; write name=value")
            }
            var value = scalars[scalars.index(after: sign)...]
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            pairs[String(scalars[..<sign])] = String(value)
        }
        return pairs
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Raise an alert: to try a route, or from a script.",
            discussion: """
                Examples:
                  obs alert add DiskFull host=db-1 severity=critical \\
                      --annotation summary="no room on db-1"
                  obs alert add BackupFailed job=nightly --for 1d --url http://obs:9464
                """)
        @Argument(help: "Its name, then labels as name=value.") var words: [String]
        @Option(help: ArgumentHelp("name=value, shown with it.", valueName: "pair")) var annotation: [String] = []
        @Option(name: .customLong("for"), help: "How long it holds, such as 2h; resolve_timeout by default.") var duration:
            String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let now = Timestamp.now
            var posted = PostedAlert(labels: try AlertCommand.pairs(words.filter { $0.utf8.contains(UInt8(ascii: "=")) }))
            for name in words where !name.utf8.contains(UInt8(ascii: "=")) { posted.labels["alertname"] = name }
            posted.annotations = try AlertCommand.pairs(annotation)
            if let duration {
                guard let length = Duration(parsing: duration), length > .zero else {
                    throw UsageError("--for is '\(duration)'; write a duration such as 30m or 2h")
                }
                posted.endsAt = now + length
                posted.startsAt = now
            }
            if let client = try server.client() { return try await client.post(posted) }
            let inbox = try AlertCommand.inbox(common)
            let alert = Alert(posted, now: now, resolveTimeout: inbox.inForce.resolveTimeout)
            if let fault = alert.fault { throw UsageError("the alert is refused: \(fault)") }
            try await inbox.store([alert])
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the alerts that hold.",
            discussion: """
                Examples:
                  obs alert list
                  obs alert list 'severity="critical"' -o json
                """)
        @Argument(help: "Matchers on labels: name=\"value\", !=, =~, !~.") var matchers: [String] = []
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ServerOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            var filter = AlertQuestions.Filter()
            filter.matchers = try matchers.flatMap { try [Matcher](parsing: $0) }
            let alerts =
                if let client = try server.client() {
                    try await client.alerts(filter.matchers)
                } else {
                    try await AlertQuestions(common.existingWorkspace().incidents, common.configuration().alerting).alerts(
                        filter, now: .now)
                }
            if alerts.isEmpty, output.output == .table { return Terminal.say("no alerts") }
            Terminal.show(.alerts(alerts), as: output.output)
        }
    }
}

struct RouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Try who would be notified.", subcommands: [Test.self])

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Print the receivers of an alert with these labels, in order, with the way and the reason.",
            discussion: """
                The file is obs.yaml or a plain Alertmanager configuration; with --url it is the configuration in force there.

                Examples:
                  obs route test alertname=DiskFull severity=critical
                  obs route test --config alertmanager.yml -o json team=db
                  obs route test --url http://127.0.0.1:9464 team=db
                """)
        @Argument(help: "Labels as name=value.") var labels: [String] = []
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ServerOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let alerting =
                if let client = try server.client() {
                    try await client.configuration()
                } else if let file = common.config, AlertmanagerConfiguration.isOne(file) {
                    try AlertmanagerConfiguration.read(file)
                } else {
                    try common.configuration().alerting
                }
            guard let route = alerting.route else {
                throw UsageError("the configuration has no route: nobody is notified of any alert; add alerting.route")
            }
            Terminal.show(.routes(route.explain(try AlertCommand.pairs(labels))), as: output.output)
        }
    }
}
