import Columns

/// Makes up the log of an SSH server: users who log in, and attackers. The same seed gives the same log.
///
/// It goes second by second through event time; ``next()`` gives the lines of one second.
public struct SSHSimulator: Sendable {
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
        public var scenarios = SSHAttack.Kind.allCases
        /// The names in the headers of the lines.
        public var hosts = ["gate-1", "gate-2"]
        /// `Dec 10 06:55:46` instead of RFC 3339.
        public var usesOldStamps = false

        /// Traffic of one host from `start` on.
        public init(start: Timestamp) {
            self.start = start
        }
    }

    private let options: Options
    private var random: SplitMix64
    private var second = 0
    private var pid = 1200
    private var running: [SSHAttack] = []
    /// All attacks so far.
    public private(set) var attacks: [SSHAttack] = []

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
        for index in running.indices where running[index].isDue(at: now) {
            lines += running[index].step(at: now, pid: &pid, using: &random).map { line(now, running[index].host, $0) }
        }
        running.removeAll { $0.isOver }
        return lines
    }

    private mutating func begin(_ kind: SSHAttack.Kind, at now: Timestamp) {
        let attack = SSHAttack(kind, host: options.hosts.randomElement(using: &random)!, start: now, using: &random)
        attacks.append(attack)
        running.append(attack)
    }

    private mutating func login(at now: Timestamp) -> [String] {
        let host = options.hosts.randomElement(using: &random)!, user = SSHAttack.staff.randomElement(using: &random)!
        let source = "10.0.\(Int.random(in: 0...3, using: &random)).\(Int.random(in: 2...60, using: &random))"
        let port = Int.random(in: 1024...65_000, using: &random)
        pid += 1
        if Int.random(in: 0..<25, using: &random) == 0 {
            return [line(now, host, (pid, "Failed password for \(user) from \(source) port \(port) ssh2"))]
        }
        return [
            "Accepted publickey for \(user) from \(source) port \(port) ssh2: ED25519 SHA256:\(String(random.next(), radix: 36))",
            "pam_unix(sshd:session): session opened for user \(user) by (uid=0)",
            "pam_unix(sshd:session): session closed for user \(user)",
        ].map { line(now, host, (pid, $0)) }
    }

    private func line(_ now: Timestamp, _ host: String, _ message: SSHAttack.Message) -> String {
        "\(options.usesOldStamps ? Self.oldStamp(now) : now.description) \(host) sshd[\(message.pid)]: \(message.text)"
    }

    private static func oldStamp(_ time: Timestamp) -> String {
        let c = time.components
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][c.month - 1]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(month) \(c.day < 10 ? " " : "")\(c.day) \(two(c.hour)):\(two(c.minute)):\(two(c.second))"
    }
}
