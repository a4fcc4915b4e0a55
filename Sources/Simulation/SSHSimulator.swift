import Columns

/// Makes up the log of an SSH server: users who log in, and attackers. The same seed gives the same log.
///
/// It goes second by second through event time; ``next()`` gives the lines of one second.
public struct SSHSimulator: Sendable {
    /// A kind of attack.
    public enum Scenario: String, Sendable, CaseIterable {
        /// One address tries one or two users many times.
        case bruteForce = "brute-force"
        /// One address tries many users a few times each.
        case spray
        /// Failures, then a login that succeeds.
        case breakIn = "break-in"
    }

    /// How much traffic, which attacks, and from when.
    public struct Options: Sendable {
        /// Equal seeds give equal lines.
        public var seed: UInt64 = 1
        /// The event time of the first second.
        public var start: Timestamp
        /// Lines per second of normal traffic, on average.
        public var rate = 2.0
        /// Seconds between the beginnings of attacks; 0 for none.
        public var attackEvery = 120
        /// The attacks that are drawn from; none when it is empty.
        public var scenarios = Scenario.allCases
        /// The names in the headers of the lines.
        public var hosts = ["gate-1", "gate-2"]
        /// `Dec 10 06:55:46` instead of RFC 3339.
        public var usesOldStamps = false

        /// Two lines per second, and an attack every two minutes.
        public init(start: Timestamp) {
            self.start = start
        }
    }

    /// An attack that was simulated: the truth to measure detection against.
    public struct Attack: Sendable {
        /// What kind of attack it is.
        public let scenario: Scenario
        /// The attacker's IPv4 address.
        public let source: String
        /// The host that is attacked.
        public let host: String
        /// The event time of its first line.
        public let start: Timestamp
        fileprivate var left: Int
        fileprivate var users: [String]
    }

    private let options: Options
    private var random: SplitMix64
    private var second = 0
    private var pid = 1200
    private var running: [Attack] = []
    /// All attacks so far.
    public private(set) var attacks: [Attack] = []

    private static let users = ["deploy", "alice", "bob", "carol", "git", "backup", "ansible", "jenkins"]
    private static let guesses = [
        "root", "admin", "test", "oracle", "ubuntu", "postgres", "guest", "user", "pi", "ftp", "mysql", "nagios", "www",
        "support", "info", "web", "dev", "hadoop",
    ]

    /// Begins at `options.start`.
    public init(_ options: Options) {
        self.options = options
        random = SplitMix64(seed: options.seed)
    }

    /// The time of the second that ``next()`` gives next.
    public var time: Timestamp { options.start + .seconds(second) }

    /// The lines of the next second, without line ends.
    public mutating func next() -> [String] {
        let now = time
        second += 1
        var lines: [String] = []
        var expected = options.rate / 3
        while expected > 0, Double.random(in: 0..<1, using: &random) < expected {
            lines += login(at: now)
            expected -= 1
        }
        if options.attackEvery > 0, second % options.attackEvery == options.attackEvery / 4,
            let scenario = options.scenarios.randomElement(using: &random)
        {
            begin(scenario, at: now)
        }
        var going: [Attack] = []
        for var attack in running {
            lines += step(&attack, at: now)
            if attack.left > 0 { going.append(attack) }
        }
        running = going
        return lines
    }

    private mutating func begin(_ scenario: Scenario, at now: Timestamp) {
        let source =
            ["192.0.2", "198.51.100", "203.0.113"].randomElement(using: &random)! + ".\(Int.random(in: 1...254, using: &random))"
        let guesses = Self.guesses.shuffled(using: &random)
        let users: [String] =
            switch scenario {
            case .bruteForce: ["root"]
            case .spray: guesses
            case .breakIn: [Self.users.randomElement(using: &random)!]
            }
        let attack = Attack(
            scenario: scenario, source: source, host: options.hosts.randomElement(using: &random)!, start: now,
            left: scenario == .bruteForce ? Int.random(in: 30...120, using: &random) : scenario == .spray ? guesses.count : 9,
            users: users)
        attacks.append(attack)
        running.append(attack)
    }

    private mutating func step(_ attack: inout Attack, at now: Timestamp) -> [String] {
        let tries = min(attack.left, attack.scenario == .bruteForce ? 3 : 1)
        attack.left -= tries
        var lines: [String] = []
        for _ in 0..<tries {
            let user = attack.users.count > 1 ? attack.users.removeFirst() : attack.users[0]
            let port = Int.random(in: 1024...65_000, using: &random)
            let isKnown = Self.users.contains(user) || user == "root"
            pid += 1
            if attack.scenario == .breakIn, attack.left == 0 {
                lines.append(line(now, attack.host, "Accepted password for \(user) from \(attack.source) port \(port) ssh2"))
                continue
            }
            if !isKnown { lines.append(line(now, attack.host, "Invalid user \(user) from \(attack.source) port \(port)")) }
            lines.append(
                line(
                    now, attack.host,
                    "Failed password for \(isKnown ? "" : "invalid user ")\(user) from \(attack.source) port \(port) ssh2"))
        }
        return lines
    }

    private mutating func login(at now: Timestamp) -> [String] {
        let host = options.hosts.randomElement(using: &random)!, user = Self.users.randomElement(using: &random)!
        let source = "10.0.\(Int.random(in: 0...3, using: &random)).\(Int.random(in: 2...60, using: &random))"
        let port = Int.random(in: 1024...65_000, using: &random)
        pid += 1
        if Int.random(in: 0..<25, using: &random) == 0 {
            return [line(now, host, "Failed password for \(user) from \(source) port \(port) ssh2")]
        }
        return [
            line(
                now, host,
                "Accepted publickey for \(user) from \(source) port \(port) ssh2: ED25519 SHA256:\(String(random.next(), radix: 36))"
            ),
            line(now, host, "pam_unix(sshd:session): session opened for user \(user) by (uid=0)"),
            line(now, host, "pam_unix(sshd:session): session closed for user \(user)"),
        ]
    }

    private func line(_ now: Timestamp, _ host: String, _ message: String) -> String {
        "\(options.usesOldStamps ? Self.oldStamp(now) : now.description) \(host) sshd[\(pid)]: \(message)"
    }

    private static func oldStamp(_ time: Timestamp) -> String {
        let c = time.components
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][c.month - 1]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(month) \(c.day < 10 ? " " : "")\(c.day) \(two(c.hour)):\(two(c.minute)):\(two(c.second))"
    }
}
