import Query
import ArgumentParser
import Columns
import Configuration
import Daemon
import Jobs
import Simulation
import Telemetry

struct SimulateCommand: AsyncParsableCommand {
    private static let kinds = Simulators.all.map { kind in
        "  \(kind.name): \(kind.streams.map(\.name).joined(separator: ", "))\n      \(kind.faults.joined(separator: ", "))"
    }.joined(separator: "\n")

    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Make up traffic with attacks and faults in it.",
        discussion: """
            Kinds, what they write, and what can go wrong in them:
            \(kinds)

            Examples:
              obs simulate ssh --for 1h --seed 7 > auth.log
              obs simulate shop --for 24h --out shop --late 0.01 --out-of-order 0.05 \\
                  --corrupt 0.001
            """)

    @Argument(help: "ssh, rail, shop, events or self.") var kind: String
    @Option(help: "The same seed and start give the same lines.") var seed: UInt64 = 1
    @Option(name: .customLong("for"), help: "How much time is covered.") var duration = "1h"
    @Option(help: "Lines per second of the busiest stream, on average.") var rate: Double?
    @Option(help: "When it begins; by default so that it ends now.") var start: String?
    @Option(help: "A folder for a file a stream, or the name of the file of a kind with one; standard output by default.")
    var out: String?
    @Option(help: "Push to this address, such as http://127.0.0.1:9464/api/v1/ingest; the stream's name is put behind it.")
    var http: String?
    @Option(help: "Only this stream.") var stream: String?
    @Option(help: "The share of lines that come half an hour late.") var late = 0.0
    @Option(help: "The share of lines that come up to 30 s late.") var outOfOrder = 0.0
    @Option(help: "The share of lines that are damaged.") var corrupt = 0.0
    @Option(
        name: [.customLong("fault"), .customLong("attack")],
        help: "What goes wrong; may be given several times, none for nothing. By default everything.")
    var faults: [String] = []
    @Option(help: "How often something begins to go wrong: 120s for ssh and 1h for others by default.") var faultEvery: String?
    @Flag(help: "Go on in real time until stopped; needs --out or --http.") var follow = false
    @Flag(help: "Stamps of ssh as 'Dec 10 06:55:46', without year and zone.") var oldStamps = false

    func run() async throws {
        var options = SimulationRun.Options()
        options.kind = kind
        options.seed = seed
        options.length = try Self.duration(duration, "--for")
        options.start = try start.map {
            try Timestamp(parsing: $0, now: Timestamp(seconds: Timestamp.now.microseconds / 1_000_000))
        }
        options.rate = rate
        options.delivery.late = late
        options.delivery.outOfOrder = outOfOrder
        options.delivery.corrupt = corrupt
        options.faults = faults.isEmpty ? nil : faults == ["none"] ? [] : faults
        options.faultEvery = try faultEvery.map { try Self.duration($0, "--fault-every") }
        options.follows = follow
        options.stream = stream
        options.out = out
        options.http = http
        options.usesOldStamps = oldStamps
        if follow, start == nil, duration == "1h" { options.length = .zero }
        let run = try SimulationRun(options) { Terminal.write($0) }
        // What has an end of its own is ended by the first signal, as any filter is.
        guard follow else { return try await run.run() }
        try await UntilSignal.run { try await run.run() }
    }

    private static func duration(_ text: String, _ option: String) throws -> Duration {
        guard let length = Duration(parsing: text) else {
            throw UsageError("\(option) is '\(text)'; write a duration such as 1h")
        }
        return length
    }
}
