import Columns
import Foundation
import Logging
import Parsing
import Telemetry
import Transfer

/// Entries of systemd's journal, as `journalctl` gives them: a process that is started again when it ends.
///
/// The position is the journal's cursor of the last entry, behind which `journalctl` goes on. At a first start all that the
/// journal holds is read.
struct JournalSource: Source {
    /// What is read, an entry has `journald`.
    struct Configuration: Sendable, Hashable {
        /// Units of systemd, identifiers and facilities: entries of any are read, and all where there is none.
        var units: [String] = []
        var identifiers: [String] = []
        var facilities: [String] = []
        /// The folder of another journal; nil is this machine's.
        var directory: String?
        var lines = JournalCutter.Lines.text
        /// Goes on when everything is read.
        var follows = true
        /// The program, by its name or path.
        var program = "journalctl"
        /// How long to wait before the program is started again; twice as long each time, up to a minute.
        var pause = Duration.seconds(1)

        /// All of this machine's journal.
        init() {}
    }

    private static let maxPause = Duration.seconds(60)

    private let setup: SourceSetup
    private let configuration: Configuration

    /// Reads what `configuration` names.
    init(_ setup: SourceSetup, _ configuration: Configuration) {
        self.setup = setup
        self.configuration = configuration
    }

    /// As in the configuration.
    var name: String { setup.name }

    /// See ``Source/run(from:deliver:)``.
    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        var cutter = JournalCutter(configuration.lines, source: name, cursor: position?.cursor)
        var pause = configuration.pause
        while !Task.isCancelled {
            let cursor = cutter.cursor
            let problem: String
            do {
                let end = try await readOnce(&cutter, deliver)
                if Task.isCancelled { return }
                if !configuration.follows {
                    guard end.status != 0 else { return }
                    throw IngestError.cannotRead(path: configuration.program, reason: Self.sentence(end))
                }
                problem = Self.sentence(end)
            } catch let error as IngestError where configuration.follows {
                problem = error.description
            }
            // What it had begun to write it writes again.
            cutter = JournalCutter(configuration.lines, source: name, cursor: cutter.cursor)
            if cutter.cursor != cursor { pause = configuration.pause }
            setup.metrics.restarts.increment()
            setup.logger.warning(
                "journalctl has ended; it is started again, and goes on behind the last entry",
                metadata: ["source": "\(name)", "problem": "\(problem)", "wait": "\(pause)"])
            // A cancelled sleep ends the loop.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.maxPause)
        }
    }

    /// From the start of the program to its end, or until the task is cancelled.
    private func readOnce(_ cutter: inout JournalCutter, _ deliver: @Sendable (SourceChunk) async throws -> Void) async throws
        -> ChildProgram.End
    {
        let program: ChildProgram
        do {
            program = try ChildProgram(configuration.program, configuration.arguments(behind: cutter.cursor))
        } catch {
            throw IngestError.cannotRead(path: error.program, reason: error.reason)
        }
        return try await withTaskCancellationHandler {
            do {
                while true {
                    let bytes = await program.read(LineBlock.size)
                    if bytes.isEmpty || Task.isCancelled { break }
                    try await pass(bytes, &cutter, deliver)
                }
            } catch {
                program.stop()
                _ = await program.end()
                throw error
            }
            return await program.end()
        } onCancel: {
            program.stop()
        }
    }

    private func pass(
        _ bytes: [UInt8], _ cutter: inout JournalCutter, _ deliver: @Sendable (SourceChunk) async throws -> Void
    ) async throws {
        var builder = RawLinesBuilder()
        cutter.take(bytes, arrival: .now, into: &builder)
        setup.metrics.bytes.increment(by: bytes.count)
        guard builder.count > 0 else { return }
        let lines = builder.finish()
        try await deliver(SourceChunk(lines: lines, position: SourcePosition(cursor: cutter.cursor)))
        setup.metrics.lines.increment(by: lines.count)
    }

    private static func sentence(_ end: ChildProgram.End) -> String {
        let message = end.message.isEmpty ? "" : ": \(OutsideText(end.message).trimmed)"
        return "it ended with status \(end.status)\(message)"
    }
}

extension JournalSource.Configuration: SourceKind {
    /// `journald`.
    static let entryKey = "journald"

    private enum CodingKeys: CodingKey { case name, journald }
    private enum JournalKeys: CodingKey, CaseIterable { case units, identifiers, facilities, directory, lines }

    /// So many names of one sort, and so many bytes in each: they are arguments of a program.
    private static let maxNames = 64, maxNameLength = 255

    /// Reads an entry.
    ///
    /// - Throws: when a name cannot be one.
    init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: CodingKeys.self)
        let journal = try entry.nestedContainer(keyedBy: JournalKeys.self, forKey: .journald)
        func names(_ key: JournalKeys) throws -> [String] {
            let names = try journal.decodeIfPresent([String].self, forKey: key) ?? []
            guard names.count <= Self.maxNames else {
                throw journal.refused(key, "\(key.stringValue) has \(names.count) names; write at most \(Self.maxNames)")
            }
            for name in names where !Self.isName(name) {
                throw journal.refused(
                    key, "\(key.stringValue) has '\(name)'; write a name without blanks, of at most \(Self.maxNameLength) bytes")
            }
            return names
        }
        units = try names(.units)
        identifiers = try names(.identifiers)
        facilities = try names(.facilities)
        for facility in facilities where Self.number(of: facility) == nil {
            throw journal.refused(
                .facilities, "'\(facility)' is not a facility of syslog; known are \(Self.facilityNames.joined(separator: ", "))")
        }
        directory = try journal.decodeIfPresent(String.self, forKey: .directory)
        if let text = try journal.decodeIfPresent(String.self, forKey: .lines) {
            guard let known = JournalCutter.Lines(rawValue: text) else {
                throw journal.refused(.lines, "lines is '\(text)'; write text or json")
            }
            lines = known
        }
    }

    private static func isName(_ name: String) -> Bool {
        (1...maxNameLength).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    /// In the order of their numbers; 12 to 15 have no name that is in use.
    ///
    /// Source: RFC 5424 §6.2.1, and the names of syslog(3).
    private static let facilityNames = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "security",
        "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ]

    private static func number(of facility: String) -> Int? { facilityNames.firstIndex(of: facility) }

    /// The arguments of `journalctl` for what lies behind `cursor`, or for all.
    func arguments(behind cursor: String?) -> [String] {
        // Without --all a field of more than 4096 bytes would be left out; without --no-tail following begins ten lines before
        // the end.
        var arguments = ["--output=json", "--all", "--no-pager", "--quiet"]
        if follows { arguments += ["--follow", "--no-tail"] }
        if lines == .text { arguments.append("--output-fields=\(JournalEntry.fieldsOfLine)") }
        if let directory { arguments.append("--directory=\(directory)") }
        if let cursor { arguments.append("--after-cursor=\(cursor)") }
        let matches =
            units.map { "_SYSTEMD_UNIT=\($0.utf8.contains(UInt8(ascii: ".")) ? $0 : $0 + ".service")" }
            + identifiers.map { "SYSLOG_IDENTIFIER=\($0)" }
            + facilities.compactMap { Self.number(of: $0).map { "SYSLOG_FACILITY=\($0)" } }
        return arguments + matches.flatMap { ["+", $0] }.dropFirst()
    }

    /// `journald: ssh.service, sshd`.
    func place(of name: String) -> String {
        let names = units + identifiers + facilities
        let place = directory.map { "journald in \($0)" } ?? "journald"
        return names.isEmpty ? place : "\(place): \(names.joined(separator: ", "))"
    }

    /// The program, and the files of the journal.
    func look() -> SourceLook { .journal(in: directory, readBy: program) }

    /// Reads entries as they are written.
    func source(_ setup: SourceSetup) -> any Source { JournalSource(setup, self) }

    /// Reads the entries that are there.
    func endingSource(_ setup: SourceSetup) -> (any Source)? {
        var once = self
        once.follows = false
        return JournalSource(setup, once)
    }
}
