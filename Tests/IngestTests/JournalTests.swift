import Columns
import Foundation
import Logging
import Parsing
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Ingest

private func quiet() -> Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}

private func texts(_ lines: Batch) -> [String] { (0..<lines.count).map { lines["line"]!.string(at: $0)! } }

struct `The output of journalctl` {
    private static func cut(_ pieces: [[UInt8]], _ lines: JournalCutter.Lines = .text) -> (lines: Batch, cursor: String?) {
        var cutter = JournalCutter(lines, source: "auth", cursor: nil), builder = RawLinesBuilder()
        for piece in pieces { cutter.take(piece, arrival: Timestamp(microseconds: 0), into: &builder) }
        return (builder.finish(), cutter.cursor)
    }

    private static let entries = (1...40).map { FakeJournal.entry($0, "Invalid user u\($0) from 192.0.2.\($0)") }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `gives the same lines however it is cut`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let whole = Array(Self.entries.map { $0 + "\n" }.joined().utf8)
        var pieces: [[UInt8]] = [], rest = whole[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...400, using: &random)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        let found = Self.cut(pieces)
        #expect(texts(found.lines)[0] == "2026-11-28T00:00:01.000001Z gate sshd[100]: Invalid user u1 from 192.0.2.1")
        #expect(found.lines.count == 40 && texts(found.lines) == texts(Self.cut([whole]).lines))
        #expect(found.cursor == "s=7631dfb5;i=28;b=2222;m=40;t=6614;x=c659")
        // The journal and the number of the entry in it lead back to it.
        #expect(found.lines["file"]?.string(at: 39) == "journald:7631dfb5" && found.lines["offset"]?.integer(at: 39) == 40)
    }

    @Test func `gives entries with all their fields, if wished`() {
        #expect(texts(Self.cut([Array((Self.entries[0] + "\n").utf8)], .json).lines) == [Self.entries[0]])
    }

    /// The cursor may be before or behind the long value, and the long value may show one.
    @Test(arguments: [true, false])
    func `keeps the beginning of an entry that is too long for the memory, and goes on behind it`(isCursorFirst: Bool) {
        let long = String(repeating: "\\\"__CURSOR\\\":\\\"no\\\"", count: (JournalCutter.maxEntryLength + 10) / 14)
        let cursor = "\"__CURSOR\":\"s=9;i=9\"", message = "\"MESSAGE\":\"\(long)\""
        let entry = Array("{\(isCursorFirst ? "\(cursor),\(message)" : "\(message),\(cursor)")}\n".utf8)
        var cutter = JournalCutter(.text, source: "auth", cursor: "before"), builder = RawLinesBuilder()
        for start in stride(from: 0, to: entry.count, by: 1 << 20) {
            // Not before its end: what was delivered before must not stand for it.
            #expect(cutter.cursor == "before")
            cutter.take(Array(entry[start..<min(entry.count, start + 1 << 20)]), arrival: .now, into: &builder)
        }
        #expect(cutter.cursor == "s=9;i=9")
        cutter.take(Array((Self.entries[0] + "\n").utf8), arrival: .now, into: &builder)
        let lines = builder.finish()
        #expect(lines.count == 2)
        #expect(lines["line"]!.withBytes(at: 0) { $0.count } == RawLines.maxLineLength)
        #expect(texts(lines)[1].hasSuffix("Invalid user u1 from 192.0.2.1"))
    }

    @Test func `has no line for data without a message, and one for what is not an entry`() {
        let data = #"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795824000000000","COREDUMP":"x"}"#
        let found = Self.cut([Array("\(data)\n-- Journal begins --\n".utf8)])
        #expect(texts(found.lines) == ["-- Journal begins --"] && found.cursor == "s=1;i=2")
    }
}

struct `The journal's export format` {
    private let folder = TemporaryFolder()

    private func read(_ bytes: [UInt8]) throws -> [String] {
        let path = folder.path + "/a.export"
        try Data(bytes).write(to: URL(filePath: path))
        var lines = try TextLines(path: path), found: [String] = []
        while let batch = try lines.next() { found += texts(batch) }
        return found
    }

    private static let binary: [UInt8] = Array("MESSAGE\n".utf8) + [3, 0, 0, 0, 0, 0, 0, 0] + [97, 10, 255] + [10]
    private static let example =
        Array("__CURSOR=s=1;i=1\n_PID=1\n".utf8) + binary + Array("\n__CURSOR=s=1;i=2\nMESSAGE=a=\"b\"\n".utf8)

    @Test func `is read as the lines that 'journalctl -o json' writes, by its first bytes`() throws {
        let lines = [
            #"{"__CURSOR":"s=1;i=1","_PID":"1","MESSAGE":[97,10,255]}"#, #"{"__CURSOR":"s=1;i=2","MESSAGE":"a=\"b\""}"#,
        ]
        #expect(try read(Self.example + [10]) == lines)
        #expect(try read(Self.example) == lines, "the empty line behind the last entry may be missing")
    }

    private static let damaged: [(bytes: [UInt8], problem: String)] = {
        let endless = Array("__CURSOR=a\nMESSAGE\n".utf8) + [UInt8](repeating: 255, count: 8)
        let unended = Array("__CURSOR=a\nMESSAGE\n".utf8) + [1, 0, 0, 0, 0, 0, 0, 0, 97, 97]
        return [
            (Array(example.dropLast(5)), "ends in the middle"), (example + Array("\nbad name\n".utf8), "is damaged"),
            (endless, "is larger than 64 MB"), (unended, "is damaged"),
        ]
    }()

    @Test(arguments: damaged)
    func `is refused where it is damaged, with a sentence`(bytes: [UInt8], problem: String) {
        #expect { try read(bytes) } throws: { "\($0)".contains(problem) }
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `gives the same however small the pieces are, and survives any damage`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = Self.example + [10]
        if seed % 3 > 0 { bytes[Int.random(in: 9..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
        func decode(input: Int, output: Int) -> (text: [UInt8], problem: String?) {
            let decoder = JournalExport()
            var text: [UInt8] = [], at = 0
            while true {
                let isEnd = at == bytes.count
                var step = DecompressionStep()
                let piece = Array(bytes[at..<min(bytes.count, at + input)])
                text += [UInt8](unsafeUninitializedCapacity: output) { room, count in
                    piece.withUnsafeBufferPointer { step = decoder.decompress($0, isEnd: isEnd, into: room) }
                    count = step.written
                }
                at += step.consumed
                if step.problem != nil || isEnd && step.written == 0 { return (text, step.problem) }
            }
        }
        let whole = decode(input: 1000, output: 1000)
        let parts = decode(input: Int.random(in: 1...9, using: &random), output: Int.random(in: 1...9, using: &random))
        #expect(whole.text == parts.text && whole.problem == parts.problem)
    }
}

struct `A source of journald` {
    private let folder = TemporaryFolder()

    private func source(_ journal: FakeJournal, follows: Bool = true) -> JournalSource {
        var configuration = JournalSource.Configuration()
        configuration.program = journal.program
        configuration.follows = follows
        configuration.pause = .milliseconds(1)
        configuration.facilities = ["auth", "authpriv"]
        return JournalSource(SourceSetup(name: "auth", metrics: MetricsRegistry(), logger: quiet()), configuration)
    }

    private final class Collected: Sendable {
        let state = Mutex<(lines: [String], position: SourcePosition?)>(([], nil))
        var lines: [String] { state.withLock { $0.lines } }
    }

    private func collect(_ source: JournalSource, from position: SourcePosition? = nil, into all: Collected) async throws {
        try await source.run(from: position) { chunk in
            all.state.withLock {
                $0.lines += texts(chunk.lines); $0.position = chunk.position
            }
        }
    }

    private static func entries(_ numbers: ClosedRange<Int>) -> [String] {
        numbers.map { FakeJournal.entry($0, "Invalid user u\($0) from 192.0.2.1") }
    }

    @Test func `gives what is there, and from its position on what came since`() async throws {
        let journal = try FakeJournal(in: folder.path), first = Collected(), second = Collected()
        try journal.append(Self.entries(1...3))
        try await collect(source(journal, follows: false), into: first)
        try journal.append(Self.entries(4...5))
        try await collect(source(journal, follows: false), from: first.state.withLock { $0.position }, into: second)
        #expect(first.lines.count == 3 && second.lines.count == 2 && second.lines[0].contains("u4 "))
        #expect(
            journal.calls[1]
                == "--output=json --all --no-pager --quiet --output-fields=\(JournalEntry.fieldsOfLine) "
                + "--after-cursor=s=7631dfb5;i=3;b=2222;m=3;t=6614;x=c659 SYSLOG_FACILITY=4 + SYSLOG_FACILITY=10")
    }

    @Test func `follows, and starts journalctl again behind the last entry whenever it ends`() async throws {
        let journal = try FakeJournal(in: folder.path), all = Collected()
        try journal.append(Self.entries(1...40))
        // Each start gives two entries and a part of the third.
        try journal.setBreaks(true)
        let task = Task { try await collect(source(journal), into: all) }
        #expect(await eventually { all.lines.count >= 6 })
        try journal.setBreaks(false)
        #expect(await eventually { all.lines.count >= 40 })
        try journal.append(Self.entries(41...42))
        #expect(await eventually { all.lines.count >= 42 })
        task.cancel()
        try await task.value
        #expect(all.lines.map { $0.split(separator: " ")[5] } == (1...42).map { "u\($0)" })
    }

    @Test func `ends a batch with journalctl's own sentence when it fails`() async throws {
        let journal = try FakeJournal(in: folder.path)
        try journal.setBreaks(true)
        await #expect {
            try await collect(source(journal, follows: false), into: Collected())
        } throws: {
            "\($0)" == "\(journal.program): cannot be read: it ended with status 1: Failed to get journal: Input/output error"
        }
    }

    @Test func `leaves no process behind when it is cancelled`() async throws {
        let journal = try FakeJournal(in: folder.path), all = Collected()
        try journal.append(Self.entries(1...1))
        let task = Task { try await collect(source(journal), into: all) }
        #expect(await eventually { all.lines.count == 1 })
        task.cancel()
        try await task.value
        #expect(try output(of: "pgrep", ["-f", journal.folder + "/entries"]).status == 1)
    }

    @Test func `says what is missing where there is no journalctl, no folder and no journal`() throws {
        func sentence(_ folder: String?, _ program: String) -> String? {
            SourceLook.journal(in: folder, readBy: program).problem?.sentence
        }
        let journal = try FakeJournal(in: folder.path)
        #expect(SourceLook.journal(in: folder.path, readBy: journal.program).problem == nil)
        #expect(
            sentence(nil, "no-such-journalctl")
                == "there is no no-such-journalctl on PATH, which reads systemd's journal; install it, or name a log file with 'file:'"
        )
        #expect(sentence(folder.path + "/none", journal.program)?.hasPrefix("\(folder.path)/none: there is no such file") == true)
        #expect(
            sentence(folder.path + "/bin", journal.program)?.hasPrefix("\(folder.path)/bin: the journal has no files yet") == true
        )
    }

    static let hasJournal =
        (try? output(of: "journalctl", ["--version"]))?.status == 0
        && FileManager.default.isExecutableFile(atPath: "/lib/systemd/systemd-journal-remote")

    @Test(.enabled(if: hasJournal, "needs systemd's journalctl and systemd-journal-remote, which makes journals of exports"))
    func `reads a journal of systemd by systemd's journalctl, from any entry on`() async throws {
        let export = (1...300).map { number in
            """
            __REALTIME_TIMESTAMP=\(1_795_824_000_000_000 + number * 1_000_000)
            __MONOTONIC_TIMESTAMP=\(number)
            _BOOT_ID=22222222222222222222222222222222
            _MACHINE_ID=33333333333333333333333333333333
            _HOSTNAME=gate
            SYSLOG_IDENTIFIER=\(number % 3 == 0 ? "cron" : "sshd")
            SYSLOG_FACILITY=\(number % 3 == 0 ? 9 : 10)
            _PID=\(number)
            MESSAGE=\(number == 5 ? String(repeating: "x", count: 20_000) : "Invalid user u\(number) from 192.0.2.1")


            """
        }.joined()
        try export.write(toFile: folder.path + "/export", atomically: true, encoding: .utf8)
        try run(
            "/lib/systemd/systemd-journal-remote", ["-o", folder.path + "/remote.journal", folder.path + "/export"])
        var configuration = JournalSource.Configuration()
        configuration.directory = folder.path
        configuration.facilities = ["auth", "authpriv"]
        configuration.follows = false
        let source = JournalSource(SourceSetup(name: "auth", metrics: MetricsRegistry(), logger: quiet()), configuration)
        #expect(configuration.look().problem == nil)
        let all = Collected()
        try await collect(source, into: all)
        #expect(all.lines.count == 200)
        #expect(all.lines[0] == "2026-11-28T00:00:01Z gate sshd[1]: Invalid user u1 from 192.0.2.1")
        #expect(all.lines[3].utf8.count > 20_000)
        let rest = Collected()
        try await collect(source, from: all.state.withLock { $0.position }, into: rest)
        #expect(rest.lines.isEmpty)
        // The same journal as a file, in both forms.
        let files = TemporaryFolder()
        for form in ["json", "export"] {
            let text = try run("journalctl", ["--directory=" + folder.path, "--all", "-o", form, "--no-pager", "-q"])
            try text.write(toFile: files.path + "/" + form, atomically: true, encoding: .utf8)
            var lines = try TextLines(path: files.path + "/" + form), count = 0, rejected = 0
            var format = try LogFormats.make("sshd", context: ParsingContext(), options: FormatOptions())
            while let batch = try lines.next() {
                let parsed = RawLines.parse(batch, with: &format)
                // The long message is nothing that sshd says.
                rejected += parsed.rejected.count
                count += batch.count
            }
            #expect(count == 300 && rejected == 1, "\(form)")
        }
    }
}
