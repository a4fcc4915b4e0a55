import Columns
import Foundation
@preconcurrency import GRDB
import Simulation
import Transfer

/// Where made-up lines go.
protocol LineSink {
    mutating func write(_ lines: [SimulatedLine]) throws
}

/// A file a stream in one folder: `views.jsonl`; what the shop keeps otherwise goes where it would: a file a product, and orders
/// and items in SQLite.
struct FolderSink: LineSink {
    private let folder: String
    private let streams: [String: SimulatedStream]
    private var files: [String: FileHandle] = [:]
    private let keepsDatabase: Bool
    private var database: DatabaseQueue?

    /// - Parameter keepsDatabase: the streams `orders` and `items` go to `shop.db`, and each of `products` is a file of its own.
    init(folder: String, streams: [SimulatedStream], keepsDatabase: Bool) throws {
        self.folder = folder
        self.streams = Dictionary(uniqueKeysWithValues: streams.map { ($0.name, $0) })
        self.keepsDatabase = keepsDatabase
        try Self.makeFolder(folder)
        guard keepsDatabase else { return }
        try FileManager.default.createDirectory(atPath: folder + "/products", withIntermediateDirectories: true)
        try Simulators.vipFile.write(toFile: folder + "/vip.json", atomically: true, encoding: .utf8)
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(10)
        let database = try DatabaseQueue(path: folder + "/shop.db", configuration: configuration)
        // Who reads the tables meanwhile does not hold up who writes them.
        try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
        try database.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS orders (
                        order_id INTEGER PRIMARY KEY, ts TEXT, user_id INTEGER, total REAL, state TEXT);
                    CREATE TABLE IF NOT EXISTS items (item_id INTEGER PRIMARY KEY, order_id INTEGER, ts TEXT, product_id TEXT,
                        quantity INTEGER, price REAL);
                    """)
        }
        self.database = database
    }

    mutating func write(_ lines: [SimulatedLine]) throws {
        var texts: [String: String] = [:]
        var rows: [(table: String, text: String)] = []
        for line in lines {
            if keepsDatabase, line.stream == "orders" || line.stream == "items" {
                rows.append((line.stream, line.text))
            } else if keepsDatabase, line.stream == "products", let id = Self.productID(line.text) {
                try (line.text + "\n").write(toFile: "\(folder)/products/\(id).json", atomically: true, encoding: .utf8)
            } else {
                texts[line.stream, default: ""] += line.text + "\n"
            }
        }
        for (stream, text) in texts {
            guard let known = streams[stream] else { continue }
            if files[stream] == nil { files[stream] = try Self.open("\(folder)/\(known.fileName)", heading: known.heading) }
            try files[stream]!.write(contentsOf: Data(text.utf8))
        }
        guard !rows.isEmpty else { return }
        try database?.write { database in
            for row in rows {
                // A damaged row never gets into a database: it is simply not there.
                let names = row.table == "orders" ? Self.orderColumns : Self.itemColumns
                try database.execute(
                    sql: """
                        INSERT OR IGNORE INTO \(row.table) (\(names.joined(separator: ", ")))
                        SELECT \(names.map { "json_extract(?1, '$.\($0)')" }.joined(separator: ", ")) WHERE json_valid(?1)
                        """, arguments: [row.text])
            }
        }
    }

    private static let orderColumns = ["order_id", "ts", "user_id", "total", "state"]
    private static let itemColumns = ["item_id", "order_id", "ts", "product_id", "quantity", "price"]

    /// The id, if it can be the name of a file.
    private static func productID(_ text: String) -> String? {
        struct Product: Decodable { var product_id: String }
        guard let id = try? JSONDecoder().decode(Product.self, from: Data(text.utf8)).product_id,
            !id.isEmpty, id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else { return nil }
        return id
    }

    private static func makeFolder(_ path: String) throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
            throw SimulationError.cannotWrite(path, reason: "it is a file, and this kind writes several")
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw SimulationError.cannotWrite(path, reason: "the folder cannot be made")
        }
    }

    /// Opens a file to add to it; a new one gets `heading`.
    static func open(_ path: String, heading: String?) throws -> FileHandle {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SimulationError.cannotWrite(path, reason: String(cString: strerror(errno))) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        if let heading, try file.seekToEnd() == 0 { try file.write(contentsOf: Data((heading + "\n").utf8)) }
        return file
    }
}

/// One file for all lines.
struct FileSink: LineSink {
    private let file: FileHandle

    init(path: String, heading: String?) throws {
        file = try FolderSink.open(path, heading: heading)
    }

    mutating func write(_ lines: [SimulatedLine]) throws {
        try file.write(contentsOf: Data(lines.map { $0.text + "\n" }.joined().utf8))
    }
}

/// The way that lines are shown: standard output.
struct OutputSink: LineSink {
    let show: @Sendable (String) -> Void
    private var heading: String?

    init(heading: String?, show: @escaping @Sendable (String) -> Void) {
        self.heading = heading
        self.show = show
    }

    mutating func write(_ lines: [SimulatedLine]) throws {
        if let heading { show(heading + "\n") }
        heading = nil
        if !lines.isEmpty { show(lines.map { $0.text + "\n" }.joined()) }
    }
}

/// Pushes the lines of each stream to `BASE/STREAM`, as `POST /api/v1/ingest/{source}` takes them. A push that fails in a way
/// that passes is tried again.
struct HTTPSink: LineSink {
    private let base: String

    init(base: String) { self.base = base.hasSuffix("/") ? String(base.dropLast()) : base }

    mutating func write(_ lines: [SimulatedLine]) throws {
        for (stream, lines) in Dictionary(grouping: lines, by: \.stream).sorted(by: { $0.key < $1.key }) {
            let body = lines.map { $0.text + "\n" }.joined()
            for attempt in 0... {
                let status = post(body, to: "\(base)/\(stream)")
                if (200..<300).contains(status) { break }
                guard status == 0 || status == 429 || status >= 500, attempt < 8 else {
                    throw SimulationError.refused("\(base)/\(stream)", status: status)
                }
                Thread.sleep(forTimeInterval: 0.05 * Double(1 << attempt))
            }
        }
    }

    /// The status, or 0 when there was no answer.
    private func post(_ body: String, to url: String) -> Int {
        var request = WebRequest("POST", url)
        request.body = Data(body.utf8)
        request.headers["Content-Type"] = "text/plain; charset=utf-8"
        request.timeout = .seconds(10)
        return (try? request.perform())?.status ?? 0
    }
}

enum SimulationError: Error, CustomStringConvertible {
    case cannotWrite(String, reason: String)
    case refused(String, status: Int)

    var description: String {
        switch self {
        case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason); choose another place with --out"
        case .refused(let url, let status):
            status == 0
                ? "\(url): there is no answer; start obs, or correct --http"
                : "\(url): the lines were refused with status \(status); name a source of that name with 'http: true' in obs.yaml"
        }
    }
}
