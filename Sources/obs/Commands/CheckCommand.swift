import Alerting
import ArgumentParser
import Configuration
import Foundation
import Jobs

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look whether something is right: 0 yes, 1 no.",
        subcommands: [CheckConfig.self, CheckStore.self, CheckHealth.self])
}

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the configuration and all files that it names.",
        discussion: """
            A file that is Alertmanager's own is checked as Alertmanager 0.25 would, and for what obs does not do. Of each \
            source it says what is there now, and warns where nothing would be read.

            Examples:
              obs check config
              obs check config -c /etc/obs/obs.yaml
              obs check config /etc/prometheus/alertmanager.yml
              obs check config --strict && systemctl reload obs
              obs check config --print-defaults > obs.yaml
            """)
    @Argument(help: "A configuration of obs or of Alertmanager, instead of -c.") var file: String?
    @Flag(help: "Show the file as it is read, with <secret> for each secret.") var show = false
    @Flag(help: "Show the default of every key, and read nothing.") var printDefaults = false
    @Flag(help: "Warnings are mistakes: exit code 1.") var strict = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        if printDefaults { return print(Configuration.defaults, terminator: "") }
        do {
            if let path = file ?? common.config, AlertmanagerConfiguration.isOne(path) {
                let alerting = try AlertmanagerConfiguration.read(path)
                if show { return print(try AlertmanagerConfiguration.shown(path), terminator: "") }
                let parts = [
                    Self.count(alerting.receivers.count, "receiver"),
                    Self.count(alerting.receivers.reduce(0) { $0 + $1.notifiers.count }, "integration"),
                    Self.count(alerting.counts.inhibitRules, "inhibit rule"),
                    Self.count(alerting.counts.timeIntervals, "time interval"),
                ]
                return print("\(path) is good: \(parts.joined(separator: ", "))")
            }
            let configuration = try Configuration.load(file: file ?? common.config, dataDirectory: common.dataDir)
            if show { return print(try Configuration.shown(file: file ?? common.config), terminator: "") }
            let parts = [
                Self.count(configuration.sources.count, "source"), Self.count(configuration.pipelines.count, "pipeline"),
                Self.count(configuration.detections.count, "rule"),
                Self.count(configuration.alerting.receivers.count, "receiver"),
            ]
            print("the configuration is good: \(parts.joined(separator: ", "))")
            for (pipeline, rules) in try configuration.boundRules() {
                print("  \(pipeline): \(rules.isEmpty ? "no rule looks at it" : rules.joined(separator: ", "))")
            }
            for (rule, reason) in configuration.rulesLeftOut {
                print("warning: the built-in rule \(rule) is left out: \(reason)")
            }
            let sources = SourceCheck(configuration)
            for finding in sources.findings { print(finding) }
            let warnings = sources.warnings + [configuration.httpExposure].compactMap { $0 }
            for warning in warnings { Terminal.say("warning: \(warning)") }
            if strict, !warnings.isEmpty || !configuration.rulesLeftOut.isEmpty { throw ExitCode(1) }
        } catch let error as ConfigurationError {
            throw BadFinding(error.description)
        }
    }

    private static func count(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }
}

struct CheckHealth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask a running obs whether it is well: it answers, is ready, and reads each of its sources.",
        discussion: """
            Examples:
              obs check health
              obs check health --live --url http://127.0.0.1:9464
              obs check health --url https://obs.example.org --token-file viewer.token
            """)
    @Option(help: "Where it listens.") var url = "http://127.0.0.1:9464"
    @Flag(help: "Ask only whether it answers, as what starts it again when it does not should.") var live = false

    @OptionGroup var credentials: CredentialOptions

    func run() async throws {
        let problem = await HealthCheck.problem(
            at: url, isLiveEnough: live, token: try credentials.token(), authorities: credentials.caFile)
        guard let problem else { return print("obs is healthy") }
        throw BadFinding("\(url): \(problem)")
    }
}
