import Columns
import Configuration
import Foundation
import Ingest
import Parsing
import Streaming
import Telemetry

/// What the sources of a configuration find now, before anything runs: `obs check config`.
public struct SourceCheck: Sendable {
    /// A line a source: what it is to read, and the files that are there.
    public private(set) var findings: [String] = []
    /// What is wrong, a sentence each; empty when nothing is.
    public private(set) var warnings: [String] = []

    /// The warning about a configuration without sources.
    public static let nothing =
        "no source is configured, so obs watches nothing; name a log under 'sources:' in obs.yaml, such as { name: auth, file: "
        + "/var/log/auth.log, pipeline: ssh }"

    /// The names of so many files are shown.
    private static let shownFiles = 5
    /// The beginning of a file that is read to see whether it is understood.
    private static let sampleBytes = 1 << 20

    /// The check of all sources of a configuration.
    public init(_ configuration: Configuration) {
        if configuration.sources.isEmpty { warnings.append(Self.nothing) }
        for entry in configuration.sources {
            let look = entry.look()
            findings.append("source '\(entry.name)' (\(entry.pipeline)): \(entry.place)\(Self.found(look, of: entry))")
            let refused = look.files.first.flatMap { Self.notUnderstood($0, entry, configuration) }
            if let sentence = (look.problem ?? refused)?.sentence { warnings.append("source '\(entry.name)': \(sentence)") }
        }
    }

    private static func found(_ look: SourceLook, of entry: Configuration.SourceEntry) -> String {
        guard let pattern = entry.settings.followedPath else { return "" }
        guard look.files != [pattern] else { return "" }
        let names = look.files.prefix(shownFiles).joined(separator: ", ")
        let rest = look.files.count - shownFiles
        switch look.files.count {
        case 0: return ": no file that can be read"
        case 1: return ": 1 file, \(names)"
        default: return ": \(look.files.count) files, \(names)\(rest > 0 ? " and \(rest) more" : "")"
        }
    }

    /// What is wrong where the format makes no event of the first lines of a file; nil where it does, or nothing is in it yet.
    private static func notUnderstood(
        _ path: String, _ entry: Configuration.SourceEntry, _ configuration: Configuration
    ) -> SourceState? {
        guard entry.settings.followedPath != nil, let input = try? configuration.pipeline(entry.pipeline).input(entry.input),
            let reader = try? TextReader(path: path)
        else { return nil }
        var sample: [UInt8] = []
        while sample.count < sampleBytes, let more = try? reader.read(sampleBytes), !more.isEmpty { sample += more }
        let context = ParsingContext(timeZone: entry.timeZone ?? .current)
        guard var format = try? LogFormats.make(input.format, context: context, options: input.options) else { return nil }
        var builder = RawLinesBuilder()
        let lines = sample.split(separator: 10, omittingEmptySubsequences: true).prefix(SourceActivity.refusedLines)
        for line in lines {
            let text = Array(line.last == 13 ? line.dropLast() : line)
            builder.append(
                text.span, offset: 0, source: entry.name, file: path, arrival: .now)
        }
        let parsed = format.parse(builder.finish())
        guard parsed.events.isEmpty, format.flush() == nil, !parsed.rejected.isEmpty else { return nil }
        return .notUnderstood(lines: lines.count, format: input.format, place: path)
    }
}
