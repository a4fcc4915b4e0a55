import ArgumentParser
import Columns
import Daemon
import Foundation
import Parsing
import ServiceLifecycle
import Simulation
import Telemetry

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Make up traffic with attacks in it.", subcommands: [SimulateSSH.self])
}

struct SimulateSSH: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh", abstract: "Write the log of a made-up SSH server to standard output, or to a file as time passes.",
        discussion: """
            Examples:
              obs simulate ssh --for 1h --seed 7 > auth.log
              obs simulate ssh --follow --out /tmp/auth.log --rate 20
            """)

    @Option(help: "The same seed gives the same log.") var seed: UInt64 = 1
    @Option(name: .customLong("for"), help: "How much time the log covers.") var duration = "1h"
    @Option(help: "Lines a second, on average.") var rate = 5.0
    @Option(help: "When it begins; by default so that it ends now.") var start: String?
    @Option(help: "The file to append to; standard output by default.") var out: String?
    @Flag(help: "Go on in real time until stopped; needs --out.") var follow = false
    @Flag(help: "Stamps as 'Dec 10 06:55:46', without year and zone.") var oldStamps = false

    func run() async throws {
        guard let length = Duration(parsing: duration) else {
            throw UsageError("--for is '\(duration)'; write a duration such as 1h")
        }
        guard rate > 0, rate <= 1_000_000 else { throw UsageError("--rate is '\(rate)'; write a number above 0") }
        if follow {
            guard let out else { throw UsageError("--follow needs --out FILE") }
            try await ServiceGroup(
                services: [SimulationService(path: out, rate: rate, seed: seed)], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: .init(label: "obs.simulate")
            ).run()
            return
        }
        let now = Timestamp(seconds: WallClock.microseconds / 1_000_000)
        let begin = try start.map { try Timestamp(parsing: $0, now: now) } ?? now - length
        var options = SSHSimulator.Options(start: begin)
        options.seed = seed
        options.rate = rate
        options.usesOldStamps = oldStamps
        var simulator = SSHSimulator(options)
        if let out, !FileManager.default.fileExists(atPath: out) {
            _ = FileManager.default.createFile(atPath: out, contents: nil)
        }
        let file = try out.map { try FileHandle(forWritingTo: URL(filePath: $0)) }
        _ = try file?.seekToEnd()
        while simulator.time < begin + length {
            let text = simulator.next().map { $0 + "\n" }.joined()
            if let file { try file.write(contentsOf: Data(text.utf8)) } else { Terminal.write(text) }
        }
    }
}
