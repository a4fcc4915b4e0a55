import Columns
import Foundation
import TestSupport
import Testing

@testable import Store

struct `The serving store` {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/serve.db" }
    private static let schema = Schema([
        Field("window_start", .timestamp), Field("zone", .text), Field("kind", .text), Field("trips", .int64),
    ])

    private func rows(_ rows: [(Int64, String, String, Int64)]) throws -> Batch {
        try Batch(
            schema: Self.schema,
            rows: rows.map { [.timestamp(Timestamp(seconds: $0.0)), .text($0.1), .text($0.2), .int($0.3)] })
    }

    @Test func `gives the newest row of a key, whatever came last`() throws {
        let store = try ServingStore(path: path)
        try store.put(
            rows([(300, "north", "a", 1), (0, "south", "a", 2)]), table: "t", keyColumns: ["zone"], timeColumn: "window_start")
        try store.put(rows([(600, "north", "a", 3)]), table: "t", keyColumns: ["zone"], timeColumn: "window_start")
        // A late row, and one that comes a second time after a crash.
        try store.put(rows([(300, "north", "a", 9)]), table: "t", keyColumns: ["zone"], timeColumn: "window_start")
        let entry = try #require(try store.row(table: "t", key: "north"))
        #expect(entry.eventTime == Timestamp(seconds: 600))
        #expect(entry.row == #"{"window_start":"1970-01-01T00:10:00Z","zone":"north","kind":"a","trips":3}"#)
        #expect(try store.row(table: "t", key: "west") == nil)
        #expect(try store.row(table: "other", key: "north") == nil)
        #expect(try store.rows(table: "t", limit: 10).map(\.key) == ["north", "south"])
    }

    @Test func `makes a key of several columns, and one of none`() throws {
        let store = try ServingStore(path: path)
        try store.put(rows([(0, "north", "a", 1)]), table: "t", keyColumns: ["zone", "kind"], timeColumn: "window_start")
        try store.put(rows([(0, "north", "a", 1)]), table: "all", keyColumns: [], timeColumn: "window_start")
        #expect(try store.row(table: "t", key: "north,a") != nil)
        #expect(try store.row(table: "all", key: "all") != nil)
        #expect(try store.tables() == ["all", "t"])
    }

    @Test func `is there when it is opened again`() throws {
        do {
            let store = try ServingStore(path: path)
            try store.put(rows([(0, "it's", "a\"b", 1)]), table: "t", keyColumns: ["zone"], timeColumn: "window_start")
        }
        #expect(try ServingStore(path: path).row(table: "t", key: "it's")?.row.contains(#""kind":"a\"b""#) == true)
    }

    @Test func `is moved aside when it is damaged, and replaced by a new one`() throws {
        do {
            let store = try ServingStore(path: path)
            try store.put(rows([(0, "north", "a", 1)]), table: "t", keyColumns: ["zone"], timeColumn: "window_start")
        }
        let whole = try Data(contentsOf: URL(filePath: path))
        #expect(try ServingStore.opened(path: path, now: Date()).isNew == false)
        let place = try #require(whole.firstRange(of: Data(#""trips":1"#.utf8))).upperBound - 1
        var changed = whole
        changed[place] ^= 2  // "trips":3, which no structure tells from what it was
        for (number, bad) in [Data(), Data(whole.prefix(100)), changed].enumerated() {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            try bad.write(to: URL(filePath: path))
            let (store, isNew, kept) = try ServingStore.opened(path: path, now: Date(timeIntervalSince1970: Double(number)))
            #expect(isNew && kept == "\(path).before-\(number)")
            #expect(try store.rows(table: "t", limit: 10).isEmpty)
        }
    }
}
