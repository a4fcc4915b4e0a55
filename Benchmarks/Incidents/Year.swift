import Columns
import Detection

/// What a year brings: few rules make most of the noise, few sources come again and again, many come once.
struct Year {
    private struct Rule {
        var name: String
        var detector: String
        var severity: Severity
        var weight: Double
        var title: String
    }

    private static let rules = [
        Rule(
            name: "SSHBruteForce", detector: "rule", severity: .warning, weight: 30,
            title: "Brute force from {source} against {host}"),
        Rule(
            name: "SSHPasswordSpray", detector: "rule", severity: .warning, weight: 14,
            title: "Password spray from {source} over the users of {host}"),
        Rule(
            name: "SSHSuccessAfterFailures", detector: "rule", severity: .critical, weight: 2,
            title: "{user} logged in from {source} on {host} after many failures"),
        Rule(
            name: "SSHAnomalousSource", detector: "forest", severity: .info, weight: 12,
            title: "{source} behaves unlike others on {host}"),
        Rule(
            name: "ShopScraper", detector: "rule", severity: .info, weight: 10,
            title: "{source} reads the whole shop through {host}"),
        Rule(
            name: "ShopServerErrors", detector: "rule", severity: .warning, weight: 8,
            title: "{host} answers with errors on checkout"),
        Rule(
            name: "ShopPagesSlow", detector: "series", severity: .warning, weight: 7, title: "Pages of {host} are slow for {user}"
        ),
        Rule(
            name: "RailFaultRiskHigh", detector: "forest", severity: .critical, weight: 3,
            title: "Train {user} on {host} is likely to fail"),
        Rule(name: "RailBrakesDragging", detector: "rule", severity: .warning, weight: 5, title: "Brakes drag on {host}"),
        Rule(
            name: "SelfErrorBurst", detector: "rule", severity: .warning, weight: 4,
            title: "A burst of errors in the log of {host}"),
        Rule(
            name: "SelfJobStalled", detector: "rule", severity: .critical, weight: 1,
            title: "The backup job on {host} stands still"),
        Rule(name: "EventsDemandSurge", detector: "series", severity: .info, weight: 4, title: "Demand surges in zone {user}"),
    ]

    private static let users = [
        "root", "admin", "oracle", "postgres", "git", "ubuntu", "test", "deploy", "backup", "jenkins", "ann", "bob", "cid",
        "dora", "emil", "frida",
    ]

    private var random: SplitMix64
    private var serial = 0

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    mutating func person() -> String { ["ann", "bob", "cid", "dora", "emil"][rank(of: 5, steepness: 1.5)] }

    /// A place below `count`; the first ones come most often.
    private mutating func rank(of count: Int, steepness: Double) -> Int {
        min(count - 1, Int(Double(count) * Double.random(in: 0..<1, using: &random).power(steepness)))
    }

    /// A finding that is none of those before.
    mutating func finding(at time: Timestamp) -> Finding {
        serial += 1
        var draw = Double.random(in: 0..<100, using: &random)
        let rule =
            Self.rules.first {
                draw -= $0.weight; return draw < 0
            } ?? Self.rules[0]
        let address = rank(of: 60_000, steepness: 4), host = "web-\(rank(of: 250, steepness: 2) + 1)"
        let source = "198.\(18 + address / 65_536).\(address / 256 % 256).\(address % 256)"
        let user = Self.users[rank(of: Self.users.count, steepness: 2)], count = number(5...400)
        let title = rule.title.replacing("{source}", with: source).replacing("{host}", with: host).replacing("{user}", with: user)
        let lines = number(1...3)
        return Finding(
            name: rule.name, detector: rule.detector, severity: chance(0.05) ? .critical : rule.severity,
            labels: ["source": source, "host": host, "user": user, "cluster": "prod", "session": String(serial, radix: 36)],
            title: title,
            description: "\(count) events of \(source) on \(host) within five minutes, the threshold is 5.",
            startsAt: time - .seconds(number(10...290)),
            lastSeen: time, count: count,
            evidence: (0..<lines).map { line in
                Evidence(
                    file: "/var/log/\(host)/auth.log", offset: Int64(serial * 500 + line * 120),
                    line:
                        "Nov 21 03:00:0\(line) \(host) sshd[\(number(1000...60_000))]: Failed password for \(user) from \(source) port \(number(1024...65_535)) ssh2",
                    time: time - .seconds(line))
            })
    }
}

extension Double {
    fileprivate func power(_ steepness: Double) -> Double {
        steepness == 4 ? self * self * self * self : steepness == 2 ? self * self : self
    }
}
