import ArgumentParser
import Columns
import Foundation
import Ingest
import Jobs
import Parsing
import Templates

struct ParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse", abstract: "Show how each line is understood, as JSON Lines.",
        discussion: """
            Formats: \(LogFormats.all.map { ([$0.name] + $0.aliases).joined(separator: " = ") }.joined(separator: ", ")).
            Layouts with a name: \(LogFormats.layouts.joined(separator: ", ")).
            Columns of json, logfmt and csv are guessed from the first lines; a pipeline declares them.

            Examples:
              obs parse /var/log/auth.log | head
              echo 'Dec 10 06:55:46 gate sshd[1]: Invalid user x from 192.0.2.7' \\
                  | obs parse --year 2015
              echo '{"ts":"2026-11-21T10:00:00Z","user":{"id":7}}' | obs parse \\
                  --format json --columns event_time:timestamp@ts,user:int64@user.id
              obs parse --format layout --option 'log4j=%d %-5p [%t] %c - %m%n' app.log
              obs parse --format auto unknown.log
              cut -d ' ' -f 5- app.log | obs parse --templates | sort | uniq -c | sort -n
            """)

    @Argument(help: "A file, plain or compressed; - is standard input.")
    var file = "-"

    @Option(help: "How the lines are laid out.") var format = "sshd"
    @Option(help: "The columns of json, logfmt and csv: NAME:TYPE or NAME:TYPE@PATH, with commas between.") var columns: String?
    @Option(help: "Of csv: the character between values, or tab.") var delimiter: String?
    @Option(name: .customLong("option"), help: "An option of the format, as KEY=VALUE; may be repeated.") var options: [String] =
        []

    @Flag(help: "Show the template of each line instead, with its variable parts as <*>: a line is a message without its stamp.")
    var templates = false

    @OptionGroup var stamps: StampOptions

    func run() throws {
        var text = try TextLines(path: file)
        if templates { return try showTemplates(&text) }
        var explainer: LineExplainer?
        while let lines = try text.next() {
            if explainer == nil { explainer = try makeExplainer(lines) }
            Terminal.write(json: explainer!.explain(lines).map { $0 + "\n" }.joined())
        }
        Terminal.write(json: (explainer?.finish() ?? []).map { $0 + "\n" }.joined())
    }

    /// Shows them as they read after the last line, because a template may become wider until then. One that gave way to others
    /// meanwhile is shown as `<*>`.
    private func showTemplates(_ text: inout TextLines) throws {
        var miner = TemplateMiner()
        var numbers: [UInt32] = []
        while let lines = try text.next(), let column = lines["line"] {
            for row in 0..<lines.count { numbers.append(column.withBytes(at: row) { miner.assign($0) }) }
        }
        for chunk in stride(from: 0, to: numbers.count, by: 4096) {
            let texts = numbers[chunk..<min(chunk + 4096, numbers.count)].map { number in
                miner.text(of: number).map { String(decoding: $0, as: UTF8.self) } ?? "<*>"
            }
            Terminal.write(texts.map { (Terminal.isOutputTerminal ? OutsideText($0).visible : $0) + "\n" }.joined())
        }
    }

    private func makeExplainer(_ lines: Batch) throws -> LineExplainer {
        try LineExplainer(
            format: format, columns: columns, delimiter: delimiter, settings: options, try stamps.context(), firstLines: lines)
    }
}
