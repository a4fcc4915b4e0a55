import Columns

/// An attack that was simulated: what it writes, step by step, and the truth to measure detection against.
public struct SSHAttack: Sendable {
    /// What an attacker does. The raw value is its name on the command line.
    public enum Kind: String, Sendable, CaseIterable {
        /// One address tries one user many times.
        case bruteForce = "brute-force"
        /// One address tries many users a few times each.
        case spray
        /// Failures, then a log-in that succeeds.
        case breakIn = "break-in"
        /// Brute force on a host that takes keys only: nothing fails, the client leaves.
        case keysOnly = "keys-only"
        /// Names that do not exist, on a host that takes keys only.
        case enumeration
        /// One attempt a minute.
        case slow
        /// Many addresses, one user.
        case distributed
        /// The addresses of one IPv6 network in turn.
        case rotating
        /// Wrong banners, and algorithms that sshd does not have.
        case scan
        /// Connections with as many wrong passwords as sshd takes.
        case exhausted
        /// Connections on which nothing is said until their time is up.
        case heldOpen = "held-open"
        /// Users that may not log in.
        case notAllowed = "not-allowed"
    }

    /// A message of sshd and the process that writes it.
    typealias Message = (pid: Int, text: String)

    /// What the attacker does.
    public let kind: Kind
    /// The address, or the first of them.
    public let source: String
    /// The machine that is attacked.
    public let host: String
    /// Of its first line.
    public let start: Timestamp
    /// The last second in which it did something.
    public private(set) var end: Timestamp
    /// Who is attacked, where it is one user by many addresses.
    public var user: String? { kind == .distributed ? users[0] : nil }
    private let sources: [String]
    private let users: [String]
    private var done = 0
    private let steps: Int
    /// Seconds between two steps.
    private let pause: Int

    /// Users who log in.
    static let staff = ["deploy", "alice", "bob", "carol", "git", "backup", "ansible", "jenkins"]
    private static let guesses = [
        "root", "admin", "test", "oracle", "ubuntu", "postgres", "guest", "user", "pi", "ftp", "mysql", "nagios", "www",
        "support", "info", "web", "dev", "hadoop",
    ]

    init(_ kind: Kind, host: String, start: Timestamp, using random: inout SplitMix64) {
        self.kind = kind
        self.host = host
        self.start = start
        end = start
        let names = Self.guesses.shuffled(using: &random), victim = Self.staff.randomElement(using: &random)!
        func addresses(_ count: Int) -> [String] {
            // Of the range for benchmarks (RFC 2544): 512 networks, so that attackers are seldom neighbours.
            (0..<count).map { _ in
                "198.\(Int.random(in: 18...19, using: &random)).\(Int.random(in: 0...255, using: &random))"
                    + ".\(Int.random(in: 1...254, using: &random))"
            }
        }
        switch kind {
        case .bruteForce: (steps, pause, sources, users) = (Int.random(in: 30...120, using: &random), 0, addresses(1), ["root"])
        case .keysOnly: (steps, pause, sources, users) = (Int.random(in: 30...60, using: &random), 1, addresses(1), ["root"])
        case .spray: (steps, pause, sources, users) = (names.count, 1, addresses(1), names)
        case .enumeration: (steps, pause, sources, users) = (names.count, 2, addresses(1), names.filter { $0 != "root" })
        case .breakIn: (steps, pause, sources, users) = (9, 1, addresses(1), [victim])
        case .slow: (steps, pause, sources, users) = (25, 60, addresses(1), ["root"])
        case .distributed: (steps, pause, sources, users) = (120, 1, addresses(60), [victim])
        case .rotating:
            let network = "2001:db8:\(String(Int.random(in: 1...65_535, using: &random), radix: 16)):1:"
            let hosts = (0..<12).map { _ in network + ":" + String(Int.random(in: 1...65_535, using: &random), radix: 16) }
            (steps, pause, sources, users) = (36, 2, hosts, ["root"])
        case .scan: (steps, pause, sources, users) = (60, 1, addresses(1), [""])
        case .exhausted: (steps, pause, sources, users) = (10, 5, addresses(1), ["root"])
        case .heldOpen: (steps, pause, sources, users) = (40, 2, addresses(1), [""])
        case .notAllowed: (steps, pause, sources, users) = (20, 3, addresses(1), Self.staff)
        }
        source = sources[0]
    }

    var isOver: Bool { done >= steps }

    func isDue(at now: Timestamp) -> Bool { now >= start + .seconds(kind == .bruteForce ? done / 3 : done * pause) }

    /// What sshd writes of the next step.
    mutating func step(at now: Timestamp, pid: inout Int, using random: inout SplitMix64) -> [Message] {
        end = now
        var messages: [Message] = []
        // Three tries a second are the quickest that clients are.
        for _ in 0..<(kind == .bruteForce ? min(3, steps - done) : 1) {
            pid += 1
            messages += connection(port: Int.random(in: 1024...65_000, using: &random)).map { (pid, $0) }
            done += 1
        }
        return messages
    }

    private func connection(port: Int) -> [String] {
        let user = users[done % users.count], source = sources[done % sources.count], peer = "\(source) port \(port)"
        let isKnown = Self.staff.contains(user) || user == "root"
        let invalid = isKnown ? [] : ["Invalid user \(user) from \(peer)"]
        let name = "\(isKnown ? "" : "invalid user ")\(user)", state = isKnown ? "authenticating" : "invalid"
        switch kind {
        case .breakIn where done == steps - 1: return ["Accepted password for \(user) from \(peer) ssh2"]
        case .bruteForce, .spray, .breakIn, .slow, .distributed, .rotating:
            return invalid + ["Failed password for \(name) from \(peer) ssh2"]
        case .keysOnly, .enumeration: return invalid + ["Connection closed by \(state) user \(user) \(peer) [preauth]"]
        case .exhausted:
            return (0..<6).map { _ in "Failed password for \(name) from \(peer) ssh2" } + [
                "error: maximum authentication attempts exceeded for \(name) from \(peer) ssh2 [preauth]",
                "Disconnecting \(state) user \(user) \(peer): Too many authentication failures [preauth]",
            ]
        case .heldOpen: return ["fatal: Timeout before authentication for \(peer)"]
        case .notAllowed:
            return [
                "User \(user) from \(source) not allowed because not listed in AllowUsers",
                "Connection closed by invalid user \(user) \(peer) [preauth]",
            ]
        case .scan:
            return [
                ["banner exchange: Connection from \(peer): invalid format"],
                ["error: kex_exchange_identification: Connection closed by remote host", "Connection closed by \(peer)"],
                ["Unable to negotiate with \(peer): no matching host key type found. Their offer: ssh-dss [preauth]"],
            ][done % 3]
        }
    }
}
