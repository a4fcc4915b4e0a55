import Columns
import Foundation
import Lake
import Simulation

/// Simulated lines of one pipeline on disk, late and out of order and damaged here and there, with what `obs run` needs to read them. All paths are relative to ``folder``.
struct PipelineTraffic: Sendable {
    static let kinds = Simulators.all.map { $0.name }

    let kind: String
    let folder: String

    /// The files that grow, by input.
    var files: [(input: String, name: String)] {
        switch kind {
        case "ssh": [("ssh", "auth.log")]
        case "events": [("trips", "trips.csv")]
        case "self": [("obs", "obs.jsonl"), ("jobs", "spark.log")]
        case "shop": ["users", "views", "stars"].map { (input: $0, name: "\($0).jsonl") }
        default: Simulators.named(kind)!.streams.map { (input: $0.name, name: $0.fileName) }
        }
    }

    /// The table of raw lines of an input.
    func bronze(_ input: String) -> String { kind == "ssh" ? "bronze.ssh" : "bronze.\(kind)_\(input)" }

    /// The inputs whose lines have no time of their own: their event time is that of the arrival.
    static let timeless: Set = ["silver.shop_users", "silver.shop_products"]

    /// Makes up at least `rows` lines.
    static func make(_ kind: String, rows: Int, seed: UInt64, folder: String) throws -> PipelineTraffic {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let traffic = PipelineTraffic(kind: kind, folder: folder)
        // Lines an hour that each simulator gives by itself, a little less.
        let linesPerHour = ["ssh": 15_000, "rail": 1_900, "shop": 10_000, "events": 6_000, "self": 6_000][kind]!
        var length = rows * 3600 / linesPerHour
        while true {
            let out = ["ssh", "events"].contains(kind) ? folder + "/" + traffic.files[0].name : folder
            let made = try Program.run([
                "simulate", kind, "--for", "\(length)s", "--start", "2026-11-02T08:00:00Z", "--seed", String(seed), "--late",
                "0.005",
                "--out-of-order", "0.05", "--corrupt", "0.002", "--out", out,
            ])
            guard made.status == 0 else { throw Failure(made.errors) }
            if try traffic.lineCount >= rows {
                // Not the file that grows: what is found in it would depend on when.
                if kind == "shop" {
                    try Program.run([
                        "simulate", kind, "--for", "1s", "--seed", String(seed), "--stream", "users", "--out",
                        folder + "/known.jsonl",
                    ])
                }
                return traffic
            }
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                try FileManager.default.removeItem(atPath: folder + "/" + name)
            }
            length = length * 3 / 2
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: folder + "/" + name)) }

    /// Lines that become rows of bronze, save those of databases and folders.
    var lineCount: Int {
        get throws { try files.reduce(0) { $0 + (try bytes($1.name).count { $0 == UInt8(ascii: "\n") }) } }
    }

    /// Writes `obs.yaml` and the pipeline's file, which commits often, waits for every partition and keeps records open.
    func configure(port: Int, commitInterval: String = "100ms", inputs: String = "in", lookup: String = "known.jsonl") throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var pipeline = try String(contentsOf: root.appending(path: "pipelines/\(kind).yaml"), encoding: .utf8)
        pipeline.replace(#/commit_interval: .*/#, with: "commit_interval: \(commitInterval)\nflush_after: 1h")
        pipeline.replace(#/idle_after: .*/#, with: "")
        // The traffic is out of order. A stream cannot wait for lines, so a batch must not either where both are compared.
        pipeline = pipeline.replacing("format: sshd", with: "format: sshd\noptions: { order: file }")
        pipeline = pipeline.replacing("file: users.jsonl", with: "file: \(inputs)/\(lookup)")
            .replacing("file: vip.json", with: "file: \(inputs)/vip.json")
        try (pipeline + "\nidle_after: 1h\n").write(toFile: folder + "/\(kind).yaml", atomically: true, encoding: .utf8)
        var sources = files.map { input, name in
            "  - { name: \(input), file: \(inputs)/\(name), pipeline: \(kind), input: \(input) }"
        }
        if kind == "shop" {
            sources += [
                "  - { name: products, folder: \(inputs)/products, pipeline: shop, input: products }",
                "  - { name: orders, sqlite: \(inputs)/shop.db, table: orders, key: order_id, pipeline: shop, input: orders }",
                "  - { name: items, sqlite: \(inputs)/shop.db, table: items, key: item_id, pipeline: shop, input: items }",
            ]
        }
        try """
        data_dir: data
        http: { listen: "127.0.0.1:\(port)" }
        log: { level: error }
        pipelines: [\(kind).yaml]
        sources:
        \(sources.joined(separator: "\n"))
        """.write(toFile: folder + "/obs.yaml", atomically: true, encoding: .utf8)
    }
}

/// A file that gets what is written to it in pieces which end anywhere, in the middle of a line too.
struct GrowingFile {
    private let file: FileHandle
    private var rest: Data
    private let piece: Int

    init(_ path: String, _ bytes: Data, pieces: Int) throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        file = try FileHandle(forWritingTo: URL(filePath: path))
        rest = bytes
        piece = bytes.count / pieces
    }

    mutating func grow() throws {
        let count = min(rest.count, Int.random(in: 0...(2 * piece)))
        try file.write(contentsOf: rest.prefix(count))
        rest = rest.dropFirst(count)
    }

    mutating func finish() throws {
        try file.write(contentsOf: rest)
        try file.close()
    }
}

/// Looks again and again whether tables have come to so many rows. Each is opened once, then only what is new in its log is read: these tests share the
/// machine with what they wait for.
struct RowCounts {
    private let lake: Lake
    private let wanted: [String: Int]
    private var known: [String: (table: DeltaTable, version: Int64, rows: Int)] = [:]

    init(_ lake: Lake, _ wanted: [String: Int]) {
        self.lake = lake
        self.wanted = wanted
    }

    mutating func areReached() -> Bool {
        for (name, count) in wanted {
            guard let table = known[name]?.table ?? (try? lake.table(name)) else { return false }
            try? table.refresh()
            if known[name]?.version != table.version { known[name] = (table, table.version, (try? table.rowCount()) ?? 0) }
            guard known[name]!.rows == count else { return false }
        }
        return true
    }

    /// `found of wanted` for each table.
    var description: String {
        wanted.map { "\($0.key): \(known[$0.key]?.rows ?? 0) of \($0.value)" }.sorted().joined(separator: ", ")
    }
}

/// The rows of every table of a lake, each table as a bag of texts, without what tells when a line arrived.
struct LakeRows: Equatable {
    var tables: [String: [String: Int]] = [:]

    /// - Parameters:
    ///   - places: folders that are left out of the names of files.
    ///   - left: columns of bronze and quarantine that are left out too.
    ///   - hasTemplates: whether the templates of messages are compared, which depend on the order of all partitions.
    init(_ root: String, without places: [String] = [], columns left: Set<String> = [], hasTemplates: Bool = true) throws {
        let lake = Lake(root: root)
        for name in try lake.tables() where hasTemplates || !name.contains("_templates") {
            let table = try lake.table(name)
            let columns = table.schema.fields.map(\.name).filter {
                $0 != "arrival_time" && (hasTemplates || !["template_id", "template"].contains($0))
                    && !(left.contains($0) && table.schema["line"] != nil)
                    && !($0 == "event_time" && PipelineTraffic.timeless.contains(name))
            }
            let file = columns.firstIndex(of: "file")
            var rows: [String: Int] = [:]
            try table.scan(columns: columns) { batch in
                for row in 0..<batch.count {
                    var values = batch.row(row).map(\.description)
                    if let file { for place in places { values[file] = values[file].replacing(place, with: "") } }
                    rows[values.joined(separator: "\u{1F}"), default: 0] += 1
                }
                return true
            }
            tables[name] = rows
        }
    }

    func count(_ table: String) -> Int { tables[table]?.values.reduce(0, +) ?? 0 }

    /// What is wrong with `other`, a sentence a table, the first rows that differ in each.
    func differences(from other: LakeRows) -> [String] {
        Set(tables.keys).union(other.tables.keys).sorted().compactMap { name in
            let mine = tables[name] ?? [:], theirs = other.tables[name] ?? [:]
            guard mine != theirs else { return nil }
            let more = mine.filter { $0.value > theirs[$0.key] ?? 0 }.keys.sorted(),
                less = theirs.filter { $0.value > mine[$0.key] ?? 0 }.keys.sorted()
            return
                "\(name): \(more.count) more, \(less.count) less of \(other.count(name)); \(more.first?.prefix(200) ?? "") | \(less.first?.prefix(200) ?? "")"
        }
    }
}
