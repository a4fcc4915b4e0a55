import Columns
import Configuration
import Foundation
import ServiceLifecycle
import Simulation
import Telemetry

/// `obs simulate`: makes up traffic and delivers it.
public struct SimulationRun: Sendable {
    /// What is made up, and where it goes.
    public struct Options: Sendable {
        /// `ssh`, `rail`, `shop`, `events` or `self`.
        public var kind = "ssh"
        /// The same seed gives the same lines.
        public var seed: UInt64 = 1
        /// How much event time is covered at once.
        public var length = Duration.seconds(3600)
        /// Nil so that the covered time ends now.
        public var start: Timestamp?
        /// Records per second; nil for what the kind has by itself.
        public var rate: Double?
        /// What happens to lines on the way: late, out of order, damaged, twice.
        public var delivery = Delivery.Options()
        /// Nil for all; empty for none.
        public var faults: [String]?
        /// The time between two faults; nil for what the kind has by itself.
        public var faultEvery: Duration?
        /// Goes on in real time until stopped.
        public var follows = false
        /// Only this stream of the kind.
        public var stream: String?
        /// A folder, or for a kind (or a choice) of one stream the name of its file.
        public var out: String?
        /// The address to push to.
        public var http: String?
        /// `Dec 10 06:55:46` in `ssh`.
        public var usesOldStamps = false

        /// An hour of sshd up to now, to standard output.
        public init() {}
    }

    private let options: Options
    private let type: any Simulator.Type
    private let show: @Sendable (String) -> Void

    /// - Parameter show: called with what goes to standard output.
    /// - Throws: ``UsageError`` for options that there are not, or that do not go together.
    public init(_ options: Options, show: @escaping @Sendable (String) -> Void) throws {
        guard let type = Simulators.named(options.kind) else {
            throw UsageError(
                "'\(options.kind)' cannot be simulated; known are \(Simulators.all.map { $0.name }.joined(separator: ", "))")
        }
        for fault in options.faults ?? [] where !type.faults.contains(fault) {
            throw UsageError("\(options.kind) has no fault '\(fault)'; known are \(type.faults.joined(separator: ", "))")
        }
        if let stream = options.stream, !type.streams.contains(where: { $0.name == stream }) {
            throw UsageError(
                "\(options.kind) has no stream '\(stream)'; known are \(type.streams.map(\.name).joined(separator: ", "))")
        }
        if options.follows, options.out == nil, options.http == nil { throw UsageError("--follow needs --out or --http") }
        if let rate = options.rate, !(rate > 0 && rate <= 1_000_000) {
            throw UsageError("--rate is '\(rate)'; write a number above 0 and at most 1000000")
        }
        for (name, share) in [
            ("late", options.delivery.late), ("out-of-order", options.delivery.outOfOrder), ("corrupt", options.delivery.corrupt),
        ] where !(0...1).contains(share) {
            throw UsageError("--\(name) is '\(share)'; write a share from 0 to 1")
        }
        self.options = options
        self.type = type
        self.show = show
    }

    /// Writes or pushes everything; one that follows ends when it is cancelled.
    public func run() async throws {
        let now = Timestamp(seconds: Timestamp.now.microseconds / 1_000_000)
        var simulation = SimulationOptions(start: options.start ?? now - options.length)
        simulation.seed = options.seed
        simulation.rate = options.rate
        simulation.faults = options.faults
        if options.faults?.isEmpty == true { simulation.faultEvery = 0 }
        if let every = options.faultEvery {
            simulation.faultEvery = Int(every.components.seconds)
        } else if options.kind == "ssh", simulation.faultEvery > 0 {
            simulation.faultEvery = 120
        }
        simulation.usesOldStamps = options.usesOldStamps
        var simulator: any Simulator = type.init(simulation)
        var deliveryOptions = options.delivery
        deliveryOptions.seed = options.seed
        var delivery = Delivery(deliveryOptions)
        var sink = try makeSink()
        let end = simulation.start + options.length
        var batch: [SimulatedLine] = []
        while simulator.time < end, !Task.isCancelled {
            let time = simulator.time
            batch += delivery.deliver(wanted(simulator.next()), now: time)
            // Written in pieces: a step of seconds is a line or two.
            if batch.count >= 4096 {
                try sink.write(batch)
                batch = []
            }
        }
        if !options.follows { batch += delivery.finish() }
        try sink.write(batch)
        guard options.follows else { return }
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let time = simulator.time
            let wait = time - Timestamp.now
            if wait > .zero {
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
                continue
            }
            try sink.write(delivery.deliver(wanted(simulator.next()), now: time))
        }
        try sink.write(delivery.finish())
    }

    private func wanted(_ lines: [SimulatedLine]) -> [SimulatedLine] {
        options.stream.map { stream in lines.filter { $0.stream == stream } } ?? lines
    }

    private func makeSink() throws -> any LineSink {
        let streams = options.stream.map { name in type.streams.filter { $0.name == name } } ?? type.streams
        if let http = options.http { return HTTPSink(base: http) }
        guard let out = options.out else { return OutputSink(heading: streams.count == 1 ? streams[0].heading : nil, show: show) }
        if streams.count == 1 {
            var isFolder: ObjCBool = false
            let isInFolder = FileManager.default.fileExists(atPath: out, isDirectory: &isFolder) && isFolder.boolValue
            return try FileSink(path: isInFolder ? "\(out)/\(streams[0].fileName)" : out, heading: streams[0].heading)
        }
        return try FolderSink(folder: out, streams: streams, keepsDatabase: options.kind == "shop")
    }
}
