import ArgumentParser
import Columns
import Configuration
import Jobs
import Query

/// `obs rules try`.
struct RulesTryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try", abstract: "Run the rules of a file over the past: what they would have found.",
        discussion: """
            The rows of the pipeline's silver (or gold) tables are shown to the same detectors that run live; nothing is written
            and nobody is notified. Rows before --since are read as far as the rules look back, so that they know what they
            would have known.

            Of each rule: how often it would have found something, how many of that would have joined an incident, and, from how
            people resolved these, its precision ('right' is fixed or expected, 'wrong' is a false positive), the incidents of
            the rule that it would have missed or avoided, and how much earlier it would have found those that were right.

            Examples:
              obs rules try rules/web.yml --since 7d
              obs rules try rules/ssh.yml --since 30d --compare
              obs rules try rules/ssh.yml --since 2026-11-01 --until 2026-11-08 -o json
            """)

    @Argument(help: "A file of rules.") var file: String
    @Option(help: ArgumentHelp("From then on: 30d (ago) or 2026-11-21T10:00:00Z.", valueName: "time")) var since = "30d"
    @Option(help: ArgumentHelp("Up to then; now by default.", valueName: "time")) var until: String?
    @Flag(help: "Run the rules of these names that are in force beside them, and say who found what, and when.")
    var compare = false
    @Option(name: .customLong("limit"), help: ArgumentHelp("How many findings at most: the newest.", valueName: "number"))
    var limit = 50
    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit is \(limit); write a number from 0 on") }
        _ = (try TimeOptions.parse(since), try until.map(TimeOptions.parse))
    }

    func run() async throws {
        var options = RuleTrial.Options(
            file: file, since: try TimeOptions.parse(since), until: try until.map(TimeOptions.parse) ?? .now)
        options.compares = compare
        let trial = try RuleTrial(options, common.configuration(), common.existingWorkspace())
        let bar = ProgressBar("trying", isQuiet: common.quiet)
        let start = ContinuousClock.now
        let report = try trial.run { bar.update(bytes: $0, of: $1) }
        bar.finish()
        show(report, took: ContinuousClock.now - start)
    }

    private func show(_ report: RuleTrialReport, took: Duration) {
        switch output.output {
        case .json: Terminal.write(json: report.json)
        case .jsonl, .csv: Terminal.show(report.findings, as: output.output)
        case .table, .markdown:
            Terminal.show(report.summary, as: output.output)
            var newest = report.findings
            newest.rows = newest.rows.suffix(limit)
            if !newest.rows.isEmpty {
                Terminal.write("\n")
                Terminal.show(newest, as: output.output)
            }
        }
        guard !common.quiet else { return }
        let rate = Double(report.rows) / max(0.001, took.inSeconds)
        Terminal.say("\(report.rows) events in \(Shown.duration(took)) (\(Int(rate)) per second)")
        for note in report.notes { Terminal.say(note) }
    }
}
