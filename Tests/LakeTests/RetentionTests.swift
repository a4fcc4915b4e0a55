import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

/// What is decided, on values.
struct `A plan of retention` {
    private let now = Timestamp(seconds: 1_750_000_000)

    /// Files of 100 bytes, one an hour, the last one an hour ago.
    private func files(_ count: Int, size: Int = 100) -> [LiveFile] {
        (0..<count).map { index in
            LiveFile(
                path: "\(index)", size: size, modificationTime: (now - .seconds(3600 * (count - index))).microseconds / 1000,
                partitionValues: [:], stats: nil, logPath: "\(index)")
        }
    }

    private func policy(_ text: String) throws -> RetentionPolicy {
        try JSONDecoder().decode(RetentionPolicy.self, from: Data(text.utf8))
    }

    private func removed(_ plan: RetentionPlan) -> [String: [String]] {
        plan.removed.mapValues { groups in groups.flatMap { group in group.files.map { "\($0.path) \(group.reason)" } } }
    }

    @Test(arguments: [
        (#"{"table":"bronze","max_age":"90m"}"#, ["bronze.a": ["0 age", "1 age", "2 age"], "bronze.b": ["0 age", "1 age"]]),
        (#"{"table":"bronze.a","max_age":"90m"}"#, ["bronze.a": ["0 age", "1 age", "2 age"]]),
        // All of a table may be too old.
        (#"{"table":"bronze.b","max_age":"59m"}"#, ["bronze.b": ["0 age", "1 age", "2 age"]]),
        (#"{"table":"bronze.a","max_size":"250"}"#, ["bronze.a": ["0 size", "1 size"]]),
        (#"{"table":"bronze.a","max_share":0.2}"#, ["bronze.a": ["0 size", "1 size"]]),
        // Of a layer the oldest files of all of its tables go.
        (#"{"table":"bronze","max_size":"550"}"#, ["bronze.a": ["0 size", "1 size"]]),
        (#"{"table":"bronze","max_size":"450"}"#, ["bronze.a": ["0 size", "1 size"], "bronze.b": ["0 size"]]),
        // The newest file of a table stays, whatever its size.
        (#"{"table":"bronze.b","max_size":"1"}"#, ["bronze.b": ["0 size", "1 size"]]),
        (#"{"table":"silver","max_age":"1m"}"#, ["silver.a": ["0 age"]]),
    ])
    func `removes what is beyond a limit, oldest first`(entry: String, expected: [String: [String]]) throws {
        let policy = try policy(#"{"tables":[\#(entry)]}"#)
        var plan = RetentionPlan(["bronze.a": files(4), "bronze.b": files(3), "silver.a": files(1)], now: now)
        plan.removeOld(policy)
        plan.removeLarge(policy, DiskSpace(used: 700, available: 300))
        #expect(removed(plan) == expected)
    }

    @Test func `lets the age of a table go before that of its layer`() throws {
        let policy = try policy(#"{"tables":[{"table":"bronze","max_age":"90m"},{"table":"bronze.a","max_age":"210m"}]}"#)
        var plan = RetentionPlan(["bronze.a": files(4), "bronze.b": files(3)], now: now)
        plan.removeOld(policy)
        #expect(removed(plan) == ["bronze.a": ["0 age"], "bronze.b": ["0 age", "1 age"]])
    }

    @Test func `frees as much as the disk needs, and nothing that is young`() {
        var plan = RetentionPlan(["bronze.a": files(4), "silver.a": files(4)], now: now)
        plan.removeOldest(of: ["bronze"], bytes: 150, keeping: .seconds(60))
        #expect(removed(plan) == ["bronze.a": ["0 disk", "1 disk"]])
        plan.removeOldest(of: ["bronze"], bytes: 1000, keeping: .seconds(150 * 60))
        #expect(removed(plan) == ["bronze.a": ["0 disk", "1 disk"]])
        plan.removeOldest(of: ["bronze"], bytes: 1000, keeping: .seconds(60))
        #expect(removed(plan) == ["bronze.a": ["0 disk", "1 disk", "2 disk"]], "the newest stays")
    }

    @Test(arguments: [
        ("1000", 1000), ("500MB", 500_000_000), ("1.5 GiB", 1_610_612_736), ("2tb", 2_000_000_000_000), ("1kB", 1000), ("7b", 7),
    ])
    func `reads sizes as people write them`(text: String, bytes: Int) {
        #expect(ByteCount.parse(text) == bytes)
    }

    @Test(arguments: ["", "MB", "-1", "1 apple", "1e99GB", "12345678901234567890TB", "1.2.3"])
    func `refuses what is not a size`(text: String) { #expect(ByteCount.parse(text) == nil) }
}

/// Real tables.
struct `Retention of rows` {
    private let folder = TemporaryFolder()
    private var lake: Lake { Lake(root: folder.path + "/lake") }
    private let schema = Schema([Field("arrival_time", .timestamp), Field("line", .text)])

    private func policy(_ text: String) throws -> RetentionPolicy {
        try JSONDecoder().decode(RetentionPolicy.self, from: Data(text.utf8))
    }

    /// Text that does not compress.
    private static let text: String = {
        var random = SplitMix64(seed: 1)
        return (0..<24_000).map { _ in String(random.next(), radix: 36) }.joined()
    }()

    @discardableResult
    private func fill(_ name: String, files: Int, from first: Int = 0, bytes: Int = 20) throws -> DeltaTable {
        let table = try lake.table(name, creating: schema)
        for index in first..<(first + files) {
            let text = "\(index) " + Self.text.prefix(bytes)
            try append([[.timestamp(Timestamp(seconds: Int64(index))), .text(text)]], to: table)
        }
        return table
    }

    private func sizeOfFolder() -> Int {
        let paths = FileManager.default.enumerator(atPath: folder.path)!.compactMap { $0 as? String }
        return paths.reduce(0) { $0 + ((try? LocalStorage(root: folder.path).size($1)) ?? 0) }
    }

    @Test func `takes whole files out in one version, and the table says since when it is whole`() throws {
        let table = try fill("bronze.t", files: 6)
        #expect(table.wholeSince == nil)
        let size = table.files.map(\.size).max()!
        let outcome = try Retention(policy(#"{"tables":[{"table":"bronze.t","max_size":"\#(size * 3)"}]}"#)) { nil }.round(lake)
        #expect(outcome.removals.map(\.files) == [3] && outcome.removals.map(\.rows) == [3])
        #expect(outcome.removals[0].reason == .size && outcome.failures.isEmpty)
        let kept = try lake.table("bronze.t")
        let before = try rows(try lake.table("bronze.t", at: .version(6)))
        #expect(try rows(kept) == Array(before.dropFirst(3)))
        let since = try #require(kept.wholeSince)
        #expect(since > outcome.removals[0].newest && since.microseconds / 1000 <= kept.files[0].modificationTime)
        #expect(before.count == 6, "older versions can be read until a vacuum")
        // It survives a checkpoint, and a writer that knows nothing of it.
        try fill("bronze.t", files: 12, from: 6)
        try kept.checkpoint()
        #expect(try lake.table("bronze.t").wholeSince == since)
        #expect(try kept.verify().problems.isEmpty)
    }

    @Test func `removes nothing in a dry run, and nothing without a limit`() throws {
        try fill("bronze.t", files: 3)
        let limits = try policy(#"{"tables":[{"table":"bronze","max_age":"1h"}]}"#)
        let later = Timestamp.now + .seconds(7200)
        let planned = try Retention(limits) { nil }.round(lake, now: later, isDryRun: true)
        #expect(planned.removals.map(\.rows) == [3])
        #expect(try Retention(RetentionPolicy()) { DiskSpace(used: 1, available: 99) }.round(lake).removals.isEmpty)
        #expect(try lake.table("bronze.t").rowCount() == 3)
        #expect(try Retention(limits) { nil }.round(lake, now: later).removals == planned.removals)
        #expect(try lake.table("bronze.t").rowCount() == 0)
        try fill("bronze.t", files: 1, from: 3)
        #expect(try lake.table("bronze.t").rowCount() == 1)
    }

    @Test func `does not believe a clock that is years ahead`() throws {
        try fill("bronze.t", files: 3)
        let limits = try policy(#"{"tables":[{"table":"bronze","max_age":"30d"}]}"#)
        #expect(try Retention(limits) { nil }.round(lake, now: .now + .seconds(10 * 365 * 86_400)).removals.isEmpty)
    }

    @Test func `leaves a table alone of which somebody said that nothing is removed`() throws {
        let table = try lake.table("bronze.t", creating: schema, configuration: ["delta.appendOnly": "true"])
        try append([[.timestamp(.now), "x"]], to: table)
        let limits = try policy(#"{"tables":[{"table":"bronze","max_age":"1h"}]}"#)
        #expect(try Retention(limits) { nil }.round(lake, now: .now + .seconds(7200)).removals.isEmpty)
    }

    @Test func `frees a full disk at once: what was removed before first, then the oldest of bronze`() throws {
        let bronze = try fill("bronze.t", files: 10, bytes: 4000)
        try fill("silver.t", files: 10, bytes: 4000)
        _ = try lake.table("silver.t").optimize()
        var policy = RetentionPolicy()
        policy.keepAtLeast = .zero
        let before = sizeOfFolder(), old = bronze.sizeInBytes
        // What the merging of silver has left over is enough.
        let merged = try Retention(policy) { DiskSpace(used: 910, available: 90) }.round(lake)
        #expect(merged.removals.isEmpty && merged.deletedBytes > 20_000 && sizeOfFolder() < before - 20_000)
        let full = try Retention(policy) { DiskSpace(used: old * 10 - old, available: old) }.round(lake)
        #expect(full.removals.map(\.table) == ["bronze.t"] && full.removals[0].reason == .disk)
        #expect(full.deletedBytes == full.removals[0].bytes && full.deletedBytes >= old / 5)
        #expect(try lake.table("silver.t").rowCount() == 10)
        #expect(try rows(try lake.table("bronze.t")).last?[0] == .timestamp(Timestamp(seconds: 9)))
    }

    /// Merging puts rows of an hour into one file, as long as they are of one span of time; else a quiet table would be one file
    /// for ever, and never old.
    @Test func `keeps merging from making files that span more than a sixteenth of the age`() throws {
        let policy = try policy(#"{"tables":[{"table":"bronze","max_age":"16h"}]}"#)
        let compaction = policy.compaction(.background, of: "bronze.t", nil)
        let files = (0..<24).map { index in
            LiveFile(
                path: "\(index)", size: 100, modificationTime: Int64(index) * 1_200_000, partitionValues: [:], stats: nil,
                logPath: "\(index)")
        }
        let groups = compaction.groups(files, now: 1_000_000_000_000)
        #expect(groups.map { $0.map(\.path) } == (0..<8).map { hour in (0..<3).map { "\(hour * 3 + $0)" } })
        #expect(policy.compaction(.background, of: "silver.t", nil).groups(files, now: 1_000_000_000_000).count == 1)
        let small = policy.compaction(.background, of: "silver.t", DiskSpace(used: 0, available: 200_000_000))
        #expect(small.targetFileSize < 4_000_000)
    }

    /// A disk of 2 MB, and ten times as much in 24 simulated hours: nothing stops, the newest rows are there, and what is
    /// removed is deleted.
    @Test func `holds a stream of ten times the size of the disk`() throws {
        let capacity = 2_000_000
        var policy = try policy(#"{"tables":[{"table":"bronze","max_share":0.5},{"table":"silver","max_share":0.2}]}"#)
        policy.keepAtLeast = .zero
        let folder = folder,
            size: @Sendable () -> Int = {
                let storage = LocalStorage(root: folder.path)
                let paths = FileManager.default.enumerator(atPath: folder.path)!.compactMap { $0 as? String }
                // The log of ten minutes always stays, and here that is all of it.
                return paths.filter { $0.hasSuffix(".parquet") && !$0.contains("_delta_log") }
                    .reduce(0) { $0 + ((try? storage.size($1)) ?? 0) }
            }
        let disk: @Sendable () -> DiskSpace? = { DiskSpace(used: size(), available: capacity - size()) }
        var upkeep = Upkeep()
        var most = 0, written = 0
        for hour in 0..<24 {
            written -= (try? lake.table("bronze.t").sizeInBytes) ?? 0
            try fill("bronze.t", files: 4, from: hour * 4, bytes: 280_000)
            try fill("silver.t", files: 1, from: hour, bytes: 100_000)
            written += try lake.table("bronze.t").sizeInBytes
            most = max(most, size())
            let outcome = try Retention(policy, disk: disk).round(lake)
            #expect(outcome.failures.isEmpty)
            upkeep.retention = (policy, disk())
            #expect(try upkeep.round(lake).allSatisfy { $0.failure == nil })
        }
        #expect(written > 8 * capacity)
        #expect(most < 2 * capacity, "an hour's lines come between two rounds")
        // What the last merges left over goes in the next round.
        _ = try Retention(policy, disk: disk).round(lake)
        #expect(size() < capacity)
        for (name, last) in [("bronze.t", 24 * 4 - 1), ("silver.t", 24 - 1)] {
            let table = try lake.table(name)
            #expect(try table.verify().problems.isEmpty)
            #expect(try rows(table).last?[0] == .timestamp(Timestamp(seconds: Int64(last))))
            #expect(table.sizeInBytes > capacity / 10)
        }
    }
}

struct `The age of a table` {
    private let folder = TemporaryFolder()

    @Test func `is that of its oldest row, and it grows by what came in the last day`() throws {
        let schema = Schema([Field("arrival_time", .timestamp), Field("line", .text)])
        let table = try Lake(root: folder.path).table("bronze.t", creating: schema)
        let now = Timestamp.now
        #expect(table.age(now: now) == TableAge())
        let old = now - .seconds(3 * 86_400)
        try append([[.timestamp(old), "old"], [.timestamp(now), "new"]], to: table)
        let age = table.age(now: now + .seconds(60))
        #expect(abs((try #require(age.since) - old).inMicroseconds) < 1000)
        // A third of the rows' time is of the last day; a table that is a minute old is taken to be an hour old.
        #expect(abs(age.bytesPerDay - table.sizeInBytes * 24 / 3) < table.sizeInBytes)
        #expect(table.age(now: now + .seconds(2 * 86_400)).bytesPerDay == 0)
    }
}
