import Columns
import Configuration
import Detection
import Foundation
import Parsing
import Query
import Simulation

/// `obs rules recall`: which simulated attacks on sshd the rules find, and how fast. The truth is known because it is made up.
public struct AttackRecall {
    /// Which log is made up.
    public struct Options: Sendable {
        /// Equal seeds give equal logs.
        public var seed: UInt64 = 1
        /// How much time the log covers; a whole number of ten seconds.
        public var length = Duration.seconds(4 * 3600)
        /// Between the beginnings of two attacks.
        public var attackEvery = Duration.seconds(300)

        public init() {}
    }

    /// Attacks of one kind.
    private struct Kind {
        var attacks = 0
        /// Of each attack that was found, how many seconds after its first line.
        var delays: [Double] = []
    }

    /// A finding and the event time at which it was found.
    private struct Found {
        let finding: Finding
        let at: Timestamp
    }

    /// The share of the attacks that were found.
    public let recall: Double
    /// Findings of at least a warning about addresses that did not attack, one sentence each. What many addresses did together
    /// to a user or a host is not among them: attackers did it.
    public let mistakes: [String]
    /// A row per kind of attack: how many, how many found, and the seconds until they were.
    public let answer: Answer

    /// Makes up a log and shows it to the rules, ten seconds of lines at a time.
    ///
    /// - Throws: ``UsageError`` when the lengths cannot be; what a pipeline throws that cannot run.
    public init(_ options: Options, _ configuration: Configuration) throws {
        guard options.length >= .seconds(3600), options.length <= .seconds(7 * 86_400) else {
            throw UsageError("the length is \(Shown.duration(options.length)); from an hour to a week is possible")
        }
        var settings = SSHSimulator.Options(start: Timestamp(year: 2026, month: 1, day: 1))
        settings.seed = options.seed
        settings.attackEvery = Int(options.attackEvery.inSeconds)
        var simulator = SSHSimulator(settings)
        let found = try Self.findings(&simulator, seconds: Int(options.length.inSeconds), configuration)
        // An attack that began near the end of the log has not done enough yet.
        let end = settings.start + options.length
        let attacks = simulator.attacks.filter { $0.start + .seconds(1800) < end }
        var kinds: [SSHAttack.Kind: Kind] = [:]
        for attack in attacks {
            kinds[attack.kind, default: Kind()].attacks += 1
            let first = found.first {
                Self.isAbout($0.finding, attack) && (attack.kind != .breakIn || $0.finding.severity == .critical)
            }
            if let first { kinds[attack.kind]!.delays.append(max(0, (first.at - attack.start).inSeconds)) }
        }
        let detected = kinds.values.reduce(0) { $0 + $1.delays.count }
        recall = attacks.isEmpty ? 1 : Double(detected) / Double(attacks.count)
        let wrong = found.map(\.finding).filter { finding in
            (finding.labels["source"] ?? finding.labels["source_net"]) != nil
                && !simulator.attacks.contains { Self.isAbout(finding, $0) }
        }
        mistakes = Set(wrong.map { "\($0.name) \($0.labels), which did not attack" }).sorted()
        answer = Self.answer(kinds)
    }

    private static func answer(_ kinds: [SSHAttack.Kind: Kind]) -> Answer {
        func quantile(_ share: Double, _ numbers: [Double]) -> Value {
            numbers.isEmpty ? .null : .double(numbers.sorted()[min(numbers.count - 1, Int(Double(numbers.count) * share))])
        }
        return Answer(
            [
                ("attack", .text), ("attacks", .int64), ("found", .int64), ("detect_p50_seconds", .double),
                ("detect_max_seconds", .double),
            ],
            rows: SSHAttack.Kind.allCases.compactMap { kind in
                kinds[kind].map { known in
                    [
                        .text(kind.rawValue), .int(Int64(known.attacks)), .int(Int64(known.delays.count)),
                        quantile(0.5, known.delays), quantile(1, known.delays),
                    ]
                }
            })
    }

    /// What the rules find, in the order in which they find it.
    private static func findings(
        _ simulator: inout SSHSimulator, seconds: Int, _ configuration: Configuration
    ) throws -> [Found] {
        let pipeline = try configuration.pipeline("ssh")
        let rules = try configuration.detections(of: "ssh").filter { $0.settings.mode != .simulate }
        let start = simulator.time
        let set = DetectorSet(rules, DetectorContext(allowedLateness: pipeline.detectionLateness, now: { start }))
        var format = try LogFormats.make("sshd", context: ParsingContext(timeZone: .gmt), options: FormatOptions())
        var found: [Found] = []
        var offset: Int64 = 0
        for _ in 0..<(seconds / 10) {
            var builder = RawLinesBuilder()
            for line in (0..<10).flatMap({ _ in simulator.next() }) {
                let bytes = Array(line.utf8)
                builder.append(bytes.span, offset: offset, source: "auth", file: "auth.log", arrival: simulator.time)
                offset += Int64(bytes.count + 1)
            }
            let lines = builder.finish(), parsed = format.parse(lines), at = simulator.time
            found += set.observe(events: parsed.events, lines: lines, lineRows: parsed.lineRows)
                .filter { $0.severity > .info }.map { Found(finding: $0, at: at) }
        }
        return found
    }

    private static func isAbout(_ finding: Finding, _ attack: SSHAttack) -> Bool {
        guard finding.lastSeen >= attack.start - .seconds(60) else { return false }
        if let source = finding.labels["source"] { return source == attack.source }
        if let network = finding.labels["source_net"].flatMap({ IPNetwork($0) }) {
            return IPAddress(attack.source).map(network.contains) ?? false
        }
        if let user = finding.labels["user"] { return user == attack.user }
        return finding.labels["host"] == attack.host
    }
}
