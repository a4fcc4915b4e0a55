import ArgumentParser
import Configuration
import Daemon
import Jobs

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Watch what obs.yaml names, until SIGTERM.",
        discussion: """
            SIGTERM and Ctrl-C stop the sources, commit what was read and exit with 0. SIGHUP (or POST /-/reload) \
            reads the configuration again: pipelines that changed go on from their checkpoints, a bad configuration changes \
            nothing.

            Without a configuration it watches the log-ins of this machine: systemd's journal, else /var/log/auth.log or \
            /var/log/secure; 'obs init' writes that down.

            With - it also reads standard input, as a source 'stdin' of the pipeline ssh; it goes on when that ends. 'obs \
            process -' ends with it. For another pipeline write a source with 'pipe: "-"' into obs.yaml.

            Examples:
              obs run -c obs.yaml
              journalctl --follow --output json | obs run -
              obs run --data-dir /var/lib/obs
            """)

    @Argument(help: "- for standard input.")
    var input: String?

    @Option(
        help: ArgumentHelp(
            "Forget what this pipeline has read and holds, and read its sources from the beginning; may be given several times.",
            valueName: "pipeline"))
    var newCheckpoint: [String] = []

    @Flag(
        help: """
            Start although other machines may reach the port and there is no TLS, or no token is needed: for a port that only \
            this machine or a proxy reaches (http.insecure).
            """)
    var insecure = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        var configuration = try common.configurationForWriting()
        if insecure { configuration.allowInsecureHTTP() }
        if !Configuration.hasFile(common.config) {
            let found = FoundSources()
            configuration.sources = found.sources
            found.report(to: configuration.logger(isService: true))
        }
        if let input {
            guard input == "-" else {
                throw UsageError("'\(input)' is not -, which is standard input; name files under 'sources' in obs.yaml")
            }
            try configuration.addStandardInput()
        }
        for pipeline in newCheckpoint { try Replaying.startAnew(pipeline, configuration) }
        try await Daemon(configuration, configurationFile: common.config).run()
    }
}
