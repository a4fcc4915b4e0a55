import Columns
import Configuration
import Detection
import Foundation
import Parsing
import Simulation
import Testing

@testable import Jobs

/// The shipped rules over nine days of a simulated log, with attacks and a break-in.
struct `What the shipped rules find` {
    private struct Log {
        let events: Batch
        let lines: Batch
        let lineRows: [Int32]
    }

    private static let log = Result { try makeLog() }

    private static func makeLog() throws -> Log {
        var options = SSHSimulator.Options(start: Timestamp(seconds: 1_750_000_000))
        (options.seed, options.rate, options.attackEvery) = (3, 0.003, 15_000)
        var simulator = SSHSimulator(options)
        var builder = RawLinesBuilder()
        var offset: Int64 = 0
        for second in 0..<(9 * 86_400) {
            let arrival = simulator.time
            for line in simulator.next() + traveller(second, at: arrival) {
                let bytes = Array(line.utf8)
                builder.append(bytes.span, offset: offset, source: "auth", file: "auth.log", arrival: arrival)
                offset += Int64(bytes.count + 1)
            }
        }
        let lines = builder.finish()
        var format = try LogFormats.make("sshd", context: ParsingContext(timeZone: .gmt), options: FormatOptions())
        let parsed = format.parse(lines)
        return Log(events: parsed.events, lines: lines, lineRows: parsed.lineRows)
    }

    /// A user who logs in from one place for eight days, then from there and from elsewhere in turn and works as root.
    private static func traveller(_ second: Int, at time: Timestamp) -> [String] {
        func line(_ program: String, _ text: String) -> String { "\(time) gate-1 \(program): \(text)" }
        func login(from source: String) -> String {
            line("sshd[\(second)]", "Accepted password for mona from \(source) port 5000 ssh2")
        }
        let inDay = second - 8 * 86_400
        if inDay < 0 { return second % 14_400 == 0 ? [login(from: "192.0.2.1")] : [] }
        guard inDay < 7200, inDay % 70 == 0 else { return [] }
        let sudo = line("sudo[1]", "mona : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")
        let guesses = (0..<8).map { line("sshd[\(second)\($0)]", "Failed password for mona from 198.51.100.9 port \($0) ssh2") }
        let source = inDay % 140 == 0 ? "192.0.2.1" : "198.51.100.9"
        return (inDay == 70 ? guesses : []) + [login(from: source)] + (inDay % 210 == 0 ? [sudo] : [])
    }

    private static func detectors() throws -> DetectorSet {
        let configuration = try Configuration.load(file: nil, dataDirectory: nil), pipeline = try configuration.pipeline("ssh")
        return DetectorSet(
            try configuration.detections(of: "ssh").filter { $0.settings.mode != .simulate },
            DetectorContext(allowedLateness: pipeline.detectionLateness, now: { Timestamp(seconds: 0) }))
    }

    /// The last word on each session of each group.
    ///
    /// - Parameters:
    ///   - cuts: where batches end, ascending.
    ///   - commits: which of them a checkpoint is taken after, from which another process goes on.
    private static func found(_ log: Log, cuts: [Int], commits: Set<Int> = []) throws -> Set<String> {
        var set = try detectors(), found = TrialFindings(), start = 0
        for end in cuts + [log.events.count] where end > start {
            let rows = start..<end
            found.take(set.observe(events: log.events.slice(rows), lines: log.lines, lineRows: Array(log.lineRows[rows])))
            start = end
            guard commits.contains(end) else { continue }
            found.take(set.updates())
            let next = try detectors()
            try next.restore(set.snapshot())
            set = next
        }
        found.take(set.updates())
        return Set(
            found.all.map { one in
                var finding = one.finding
                finding.isUpdate = false
                return "\(finding) at \(one.at)"
            })
    }

    @Test(arguments: [1, 40, 1000])
    func `does not depend on where rows are cut into batches, nor on when a checkpoint is taken`(mean: Int) throws {
        let log = try Self.log.get()
        let whole = try Self.found(log, cuts: [])
        #expect(whole.count > 40)
        #expect(whole.contains { $0.contains("SSHTwoPlaces") } && whole.contains { $0.contains("SSHBreakInFollowed") })
        var random = SplitMix64(seed: UInt64(mean))
        var cuts: [Int] = []
        while cuts.last ?? 0 < log.events.count {
            cuts.append((cuts.last ?? 0) + Int.random(in: 1...(2 * mean - 1), using: &random))
        }
        cuts.removeLast()
        let commits = Set(cuts.filter { _ in Int.random(in: 0..<max(4, cuts.count / 40), using: &random) == 0 })
        let cut = try Self.found(log, cuts: cuts, commits: commits)
        #expect(cut.subtracting(whole).sorted() == [])
        #expect(whole.subtracting(cut).sorted() == [])
    }
}
