import Configuration
import Foundation
import Ingest
import Simulation
import Streaming

/// The traffic of the demo beside SSH: what each simulator writes into its folder, and the sources that read it there.
public enum DemoTraffic {
    private static let kinds = ["rail", "shop", "events", "self"]

    /// Two hours at once, then as time passes.
    public static func simulations(_ folder: String) throws -> [SimulationRun] {
        // The look-ups of the shop are read when its pipeline starts: they are there before.
        try FileManager.default.createDirectory(atPath: folder + "/shop", withIntermediateDirectories: true)
        try Simulators.vipFile.write(toFile: folder + "/shop/vip.json", atomically: true, encoding: .utf8)
        if !FileManager.default.fileExists(atPath: folder + "/shop/users.jsonl") {
            try Data().write(to: URL(filePath: folder + "/shop/users.jsonl"))
        }
        return try kinds.map { kind in
            var options = SimulationRun.Options()
            options.kind = kind
            options.seed = UInt64.random(in: 1...1_000_000)
            options.length = .seconds(7200)
            options.follows = true
            options.faultEvery = .seconds(1200)
            options.delivery.outOfOrder = 0.02
            options.delivery.late = 0.001
            options.delivery.lateBy = .seconds(3600)
            options.delivery.corrupt = 0.0005
            options.out = kind == "events" ? folder + "/trips.csv" : folder + "/" + kind
            return try SimulationRun(options) { _ in }
        }
    }

    /// The sources that read what is written into `folder`.
    public static func sources(_ folder: String) -> [Configuration.SourceEntry] {
        func source(_ pipeline: String, _ input: String, _ settings: SourceSettings) -> Configuration.SourceEntry {
            var entry = Configuration.SourceEntry(name: "\(pipeline)-\(input)", file: "")
            entry.settings = settings
            entry.pipeline = pipeline
            entry.input = input
            return entry
        }
        let rail = Simulators.named("rail")!.streams.map { source("rail", $0.name, .file("\(folder)/rail/\($0.fileName)")) }
        let shop = ["users", "views", "stars"].map { source("shop", $0, .file("\(folder)/shop/\($0).jsonl")) }
        let database = [("orders", "order_id"), ("items", "item_id")].map { table, key in
            source("shop", table, .table(table, in: folder + "/shop/shop.db", key: key))
        }
        return rail + shop + database + [
            source("shop", "products", .folder(folder + "/shop/products")),
            source("events", "trips", .file(folder + "/trips.csv")),
            source("self", "obs", .file(folder + "/self/obs.jsonl")), source("self", "jobs", .file(folder + "/self/spark.log")),
        ]
    }

    /// The pipelines with the look-up files of the shop where the demo has them.
    public static func pipelines(_ pipelines: [PipelineDefinition], folder: String) -> [PipelineDefinition] {
        pipelines.map { $0.name == "shop" ? $0.resolvingFiles(beside: folder + "/shop/shop.yaml") : $0 }
    }
}
