import ArgumentParser
import Daemon
import Foundation

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look whether something is right: 0 yes, 1 no.",
        subcommands: [CheckConfig.self, CheckStore.self, CheckHealth.self])
}

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the configuration and all files that it names.",
        discussion: """
            A file that is Alertmanager's own is checked as Alertmanager 0.25 would, and for what obs does not do.

            Examples:
              obs check config
              obs check config -c /etc/obs/obs.yaml
              obs check config /etc/prometheus/alertmanager.yml
              obs check config --show
            """)
    @Argument(help: "A configuration of obs or of Alertmanager, instead of -c.") var file: String?
    @Flag(help: "Show the file as it is read, with <secret> for each secret.") var show = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        do {
            if let path = file ?? common.config, AlertmanagerConfiguration.isOne(path) {
                let alerting = try AlertmanagerConfiguration.read(path)
                if show { return print(try AlertmanagerConfiguration.shown(path), terminator: "") }
                return print(
                    "\(path) is good: \(alerting.receivers.count) receivers, \(alerting.receivers.reduce(0) { $0 + $1.integrations.count }) integrations, \(alerting.inhibitRules.count) inhibit rules, \(alerting.timeIntervals.count) time intervals"
                )
            }
            let configuration = try Configuration.load(file: file ?? common.config, dataDirectory: common.dataDir)
            if show { return print(try Configuration.shown(file: file ?? common.config), terminator: "") }
            print(
                "the configuration is good: \(configuration.sources.count) sources, \(configuration.pipelines.count) pipelines, \(configuration.rules.count) rules, \(configuration.alerting.receivers.count) receivers"
            )
            for (pipeline, rules) in try configuration.boundRules() {
                print("  \(pipeline): \(rules.isEmpty ? "no rule looks at it" : rules.joined(separator: ", "))")
            }
            for (rule, reason) in configuration.rulesLeftOut {
                print("warning: the built-in rule \(rule) is left out: \(reason)")
            }
        } catch let error as ConfigurationError {
            throw BadFinding(error.description)
        }
    }
}

struct CheckHealth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask a running obs whether it is well.",
        discussion: """
            Examples:
              obs check health
              obs check health --url http://127.0.0.1:9464
            """)
    @Option(help: "Where it listens.") var url = "http://127.0.0.1:9464"

    func run() async throws {
        guard let problem = await HealthCheck.problem(at: url) else { return print("obs is healthy") }
        throw BadFinding("\(url): \(problem)")
    }
}
