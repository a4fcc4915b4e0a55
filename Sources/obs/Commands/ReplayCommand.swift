import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query
import Streaming
import Telemetry

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Rebuild silver and gold from bronze, in place or beside the existing tables.",
        discussion: """
            Each table changes in one version: readers see the old rows or the new ones. The pipeline must not run meanwhile. \
            After its definition \
            was changed, a replay of everything lets it go on without reading its sources again. Where retention has removed \
            lines of bronze, a replay of what came before is refused, because it would lose rows.

            Examples:
              obs replay --pipeline ssh
              obs replay --pipeline ssh --from 2026-11-20T00:00:00Z \\
                  --to 2026-11-21T00:00:00Z
              obs replay --pipeline ssh --beside trial
            """)

    @Option(help: "The pipeline whose tables are made.")
    var pipeline: String

    @Option(help: ArgumentHelp("Only rows from then on: 2h (ago), today, or 2026-11-21T10:00:00Z.", valueName: "time"))
    var from: String?

    @Option(help: ArgumentHelp("Only rows before then.", valueName: "time"))
    var to: String?

    @Option(
        help: ArgumentHelp("Write to tables with _NAME behind their names; those in use stay as they are.", valueName: "name"))
    var beside: String?

    @Flag(help: "Replace rows also where retention has removed the lines that they were made of; those rows are gone then.")
    var acceptLoss = false

    @OptionGroup var stamps: StampOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let now = Timestamp.now
        var options = PipelineReplay.Options()
        if from != nil || to != nil {
            let low = try from.map { try Timestamp(parsing: $0, now: now) } ?? Timestamp(microseconds: .min)
            let high = try to.map { try Timestamp(parsing: $0, now: now) } ?? Timestamp(microseconds: .max)
            guard low < high else { throw UsageError("--from is not before --to; nothing lies between them") }
            options.range = low..<high
        }
        if let beside, beside.isEmpty || !beside.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) {
            throw UsageError("--beside is '\(beside)'; write letters, digits and '_'")
        }
        options.beside = beside
        options.acceptsLoss = acceptLoss
        _ = try common.writableLake()
        let summary = try Replaying.run(
            pipeline, options, context: try stamps.context(), try common.configuration(), progress: { _ in })
        if !common.quiet { Terminal.say("\(summary.lines) lines of bronze, \(summary.events) events") }
        Terminal.show(
            Answer([("table", .text), ("rows", .int64)], rows: summary.tables.map { [.text($0.name), .int(Int64($0.rows))] }),
            as: output.output)
    }
}
