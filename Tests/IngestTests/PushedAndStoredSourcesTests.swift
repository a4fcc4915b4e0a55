import Columns
import Foundation
@preconcurrency import GRDB
import Logging
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

/// Runs a source to its end; gives its lines and its last position.
private func read(_ source: some Source, from position: SourcePosition? = nil) async throws -> ([String], SourcePosition?) {
    let result = Mutex<([String], SourcePosition?)>(([], position))
    try await source.run(from: position) { chunk in
        result.withLock {
            for row in 0..<chunk.lines.count { $0.0.append(chunk.lines["line"]!.string(at: row)!) }
            $0.1 = chunk.position
        }
    }
    return result.withLock { $0 }
}

struct `A spool` {
    private let folder = TemporaryFolder()

    private func spool(_ limits: Spool.Limits = .init(), isConsumed: @escaping @Sendable (UInt64) -> Bool = { _ in false }) throws
        -> Spool
    {
        try Spool(name: "views", folder: folder.path, limits: limits, isConsumed: isConsumed)
    }

    private func text(_ suffix: String = "") -> String {
        (try? String(contentsOfFile: folder.path + "/views.log" + suffix, encoding: .utf8)) ?? ""
    }

    @Test func `has lines on disk, each with its end, when it says that it has taken them`() async throws {
        let spool = try spool()
        try await spool.append(Array("a\nb".utf8))
        #expect(text() == "a\nb\n")
        try await spool.append(Array("c\n".utf8))
        #expect(text() == "a\nb\nc\n")
    }

    @Test func `keeps the lines of many who push at once whole`() async throws {
        let spool = try spool()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<20 {
                group.addTask {
                    for number in 0..<20 { try await spool.append(Array("sender \(sender) line \(number)\nmore\n".utf8)) }
                }
            }
            try await group.waitForAll()
        }
        let lines = text().split(separator: "\n")
        #expect(lines.count == 800)
        #expect(Set(lines).count == 401)
    }

    @Test func `takes nothing that is empty, too long or too much, and says why`() async throws {
        var limits = Spool.Limits()
        limits.maxBytes = 100
        let spool = try spool(limits)
        await #expect(throws: SpoolError.empty) { try await spool.append([]) }
        await #expect(throws: SpoolError.empty) { try await spool.append(Array(" \n\n".utf8)) }
        try await spool.append([UInt8](repeating: 97, count: 80))
        await #expect(throws: SpoolError.full(name: "views", limit: 100)) {
            try await spool.append([UInt8](repeating: 97, count: 80))
        }
        var large = Spool.Limits()
        large.maxBytes = 10 << 20
        let other = try Spool(name: "other", folder: folder.path, limits: large) { _ in false }
        await #expect(throws: SpoolError.self) { try await other.append([UInt8](repeating: 97, count: 2 << 20)) }
    }

    @Test func `begins a new file only when what it renamed before is read`() async throws {
        var limits = Spool.Limits()
        limits.segmentBytes = 10
        let isRead = Mutex(false)
        let spool = try spool(limits) { _ in isRead.withLock { $0 } }
        try await spool.append(Array("0123456789\n".utf8))
        try await spool.append(Array("first of the second\n".utf8))
        #expect(text(".1") == "0123456789\n")
        // Not read yet: the second file grows on.
        try await spool.append(Array("more\n".utf8))
        #expect(text(".1") == "0123456789\n" && text() == "first of the second\nmore\n")
        isRead.withLock { $0 = true }
        try await spool.append(Array("last\n".utf8))
        #expect(text(".1") == "first of the second\nmore\nlast\n" && text() == "")
    }

    @Test func `is read by a scheduled run as far as its lines are taken, like by one that follows it`() async throws {
        let spool = try spool(), logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let source = FileSource(SourceSetup(name: "views", metrics: MetricsRegistry(), logger: logger), of: spool)
        try await spool.append(Array("one\ntwo".utf8))
        // Written, and not synced yet: should that fail, it is cut off again, and its sender sends it once more.
        let file = try #require(FileHandle(forWritingAtPath: spool.path))
        try file.seekToEnd()
        try file.write(contentsOf: Data("three\n".utf8))
        let (lines, position) = try await read(source)
        #expect(lines == ["one", "two"])
        #expect(try await read(source, from: position).0 == [])
        #expect(truncate(spool.path, 8) == 0)
        try await spool.append(Array("three".utf8))
        #expect(try await read(source, from: position).0 == ["three"])
    }

    @Test func `forgets half a line that a crash has left, of which nobody was told`() async throws {
        try "whole\nhal".write(toFile: folder.path + "/views.log", atomically: true, encoding: .utf8)
        let spool = try spool()
        try await spool.append(Array("next\n".utf8))
        #expect(text() == "whole\nnext\n")
    }
}

struct `A table of a database` {
    private let folder = TemporaryFolder()

    private func source(key: String = "id", follows: Bool = false) -> SQLiteSource {
        var configuration = SQLiteSource.Configuration(path: folder.path + "/a.db", table: "orders", key: key)
        configuration.follows = follows
        return SQLiteSource(SourceSetup(name: "orders", metrics: MetricsRegistry(), logger: quiet()), configuration)
    }

    private func write(_ sql: String) throws {
        try DatabaseQueue(path: folder.path + "/a.db").write { try $0.execute(sql: sql) }
    }

    @Test func `gives its rows as JSON lines, and later only those that were added`() async throws {
        try write(
            """
            CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, total REAL, data BLOB);
            INSERT INTO orders VALUES (1, 'a "b"', 1.5, NULL), (2, NULL, 3.0, x'0aff');
            """)
        let (lines, position) = try await read(source())
        #expect(
            lines == [
                #"{"id":1,"name":"a \"b\"","total":1.5,"data":null}"#, #"{"id":2,"name":null,"total":3,"data":"0aff"}"#,
            ])
        try write("INSERT INTO orders (id, name) VALUES (7, 'later')")
        #expect(try await read(source(), from: position).0 == [#"{"id":7,"name":"later","total":null,"data":null}"#])
    }

    @Test func `is read in parts when it is large, each with the position behind it`() async throws {
        try write(
            """
            CREATE TABLE orders (id INTEGER PRIMARY KEY);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO orders SELECT i FROM n;
            """)
        let positions = Mutex<[SourcePosition]>([])
        let count = Mutex(0)
        try await source().run(from: nil) { chunk in
            positions.withLock { $0.append(chunk.position) }
            count.withLock { $0 += chunk.lines.count }
        }
        #expect(count.withLock { $0 } == 10_000)
        let first = positions.withLock { $0 }[0]
        // From the first position on come exactly the rest.
        #expect(try await read(source(), from: first).0.count == 10_000 - 4096)
    }

    @Test func `may have a text for a key`() async throws {
        try write("CREATE TABLE orders (id TEXT PRIMARY KEY); INSERT INTO orders VALUES ('2026-01-01'), ('2026-01-02')")
        let (lines, position) = try await read(source())
        #expect(lines.count == 2)
        try write("INSERT INTO orders VALUES ('2026-01-03')")
        #expect(try await read(source(), from: position).0 == [#"{"id":"2026-01-03"}"#])
    }

    @Test func `that is not there, or has no such key, is an error with a sentence`() async throws {
        await #expect(throws: IngestError.self) { try await read(source()) }
        try write("CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT)")
        let error = await #expect(throws: IngestError.self) { try await read(source(key: "ts")) }
        #expect(error?.description.contains("has no column 'ts'; it has id, name") == true)
    }
}

struct `A folder of records` {
    private let folder = TemporaryFolder()

    private func source() -> FolderSource {
        var configuration = FolderSource.Configuration(path: folder.path)
        configuration.follows = false
        return FolderSource(SourceSetup(name: "products", metrics: MetricsRegistry(), logger: quiet()), configuration)
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
    }

    @Test func `gives each file once, as one line, and again only when its content changes`() async throws {
        try write("b.json", "{\n  \"id\": 2\n}\n")
        try write("a.json", "{\"id\":1}")
        try write("notes.txt", "none")
        let (lines, position) = try await read(source())
        #expect(lines == ["{\"id\":1}", "{   \"id\": 2 } "])
        #expect(try await read(source(), from: position).0 == [])
        try write("a.json", "{\"id\":1}")
        try write("b.json", "{\"id\":3}")
        #expect(try await read(source(), from: position).0 == ["{\"id\":3}"])
    }

    @Test func `leaves out what is too large for a record`() async throws {
        try write("a.json", String(repeating: " ", count: FolderSource.maxFileBytes + 1))
        #expect(try await read(source()).0 == [])
    }

    @Test func `is not read where it has more files than it may, and is again with fewer`() async throws {
        var configuration = FolderSource.Configuration(path: folder.path)
        #expect(configuration.maxFiles == FolderSource.maxFiles)
        (configuration.follows, configuration.maxFiles) = (false, 3)
        let source = FolderSource(SourceSetup(name: "products", metrics: MetricsRegistry(), logger: quiet()), configuration)
        for number in 0..<4 { try write("\(number).json", "{\"id\":\(number)}") }
        let error = await #expect(throws: IngestError.self) { try await read(source) }
        #expect(error?.description.contains("it has 4 files, more than 3") == true)
        try FileManager.default.removeItem(atPath: folder.path + "/0.json")
        #expect(try await read(source).0.count == 3)
    }

    @Test(.timeLimit(.minutes(1))) func `passes over a pipe, which has no end`() async throws {
        mkfifo(folder.path + "/a.json", 0o600)
        try write("b.json", "{\"id\":2}")
        #expect(try await read(source()).0 == ["{\"id\":2}"])
    }

    @Test func `that is not there is an error when it is read once`() async {
        var configuration = FolderSource.Configuration(path: folder.path + "/gone")
        configuration.follows = false
        let gone = FolderSource(SourceSetup(name: "x", metrics: MetricsRegistry(), logger: quiet()), configuration)
        await #expect(throws: IngestError.self) { try await read(gone) }
    }
}
