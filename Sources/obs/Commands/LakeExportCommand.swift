import ArgumentParser
import Columns
import Configuration
import Foundation
import Lake
import Parsing
import Query

extension LakeCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write a table as JSON Lines, CSV (RFC 4180) or one Parquet file.",
            discussion: """
                Rows stream: the memory is that of one row group. A file appears under its name when it is whole.

                Examples:
                  obs lake export silver.ssh -o csv --where 'event="failed_password"' \\
                      --since 24h
                  obs lake export silver.ssh -o parquet --to ssh.parquet \\
                      --columns event_time,source
                  obs lake export silver.ssh --as ecs --since 24h --to events.jsonl
                """)

        @Argument(help: "The table, such as silver.ssh.")
        var table: String

        @Option(name: [.customShort("o"), .customLong("output")], help: "jsonl, csv or parquet.")
        var output = ExportFormat.jsonl

        @Option(
            name: .customLong("as"),
            help: ArgumentHelp(
                "Events of sshd in a public schema, as JSON Lines: ecs (Elastic Common Schema 9) or ocsf (OCSF 1.8).",
                valueName: "schema"))
        var schema: SecuritySchema?

        @Option(name: .customLong("where"), help: "Matchers on columns: name=\"value\", !=, =~, !~.")
        var condition = ""

        @Option(help: "The column that --since and --until are about; the first with times, if none is named.")
        var time: String?

        @Option(help: ArgumentHelp("Only these columns, in this order, with commas between them.", valueName: "names"))
        var columns: String?

        @Option(help: ArgumentHelp("The table as it was at this version.", valueName: "version"))
        var atVersion: Int64?

        @Option(help: ArgumentHelp("The table as it was then: 2h (ago), or 2026-11-21T10:00:00Z.", valueName: "time"))
        var atTime: String?

        @Option(name: .customLong("to"), help: ArgumentHelp("A file instead of standard output.", valueName: "file"))
        var file: String?

        @OptionGroup var times: TimeOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            if output == .parquet, file == nil, Terminal.isOutputTerminal {
                throw UsageError("Parquet is nothing for a terminal; add --to FILE")
            }
            let opened = try common.existingLake().table(table, at: try moment())
            var export = TableExport(opened, as: output)
            export.columns = columns.map {
                OutsideText($0).split { $0 == "," }.map { OutsideText($0).trimmed }.filter { !$0.isEmpty }
            }
            export.matchers = try [Matcher](parsing: condition)
            if let schema {
                guard output == .jsonl, columns == nil else {
                    throw UsageError(
                        "--as \(schema.rawValue) gives JSON Lines with the fields of the schema; leave out -o and --columns")
                }
                export.rendering = { batch in try schema.lines(of: batch) }
            }
            export.times = try range(in: opened.schema)
            let bar = ProgressBar("exporting", isQuiet: common.quiet)
            let target = try ExportTarget(
                path: file,
                shown: file == nil && Terminal.isOutputTerminal ? { Terminal.shown($0, isJSON: output == .jsonl) } : nil)
            defer { bar.finish() }
            do {
                let count = try export.run(to: target) { bar.update(bytes: $0, of: $1) }
                if let file, !common.quiet { Terminal.say("\(count) rows in \(file)") }
            } catch LakeError.readerGone {
                // As `obs lake export … | head` ends: well.
            }
        }

        private func moment() throws -> TableMoment {
            if let atVersion { return .version(atVersion) }
            return try atTime.map { .time(try TimeOptions.parse($0)) } ?? .newest
        }

        private func range(in schema: Schema) throws -> (column: String, range: ClosedRange<Timestamp>)? {
            let since = try times.from(), until = try times.to()
            guard since != nil || until != nil else { return nil }
            guard let column = time ?? schema.fields.first(where: { $0.type == .timestamp })?.name else {
                throw UsageError("\(table) has no column of times for --since and --until")
            }
            let from = since ?? Timestamp(microseconds: .min)
            return (column, from...max(from, until ?? Timestamp(microseconds: .max)))
        }
    }
}

extension ExportFormat: ExpressibleByArgument {}
extension SecuritySchema: ExpressibleByArgument {}
