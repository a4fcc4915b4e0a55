import Columns
import Synchronization

/// How often log-ins may fail. Passwords are the one credential that people choose, so guessing them must be slow: per address
/// and account, per address, and per account from everywhere.
///
/// An account is not locked by a few failures of others: whoever knows its name could keep its owner out.
final class LoginLimits: Sendable {
    private struct Subject: Hashable {
        var address: IPNetwork?
        var account: String?
    }

    private struct Failures {
        var count = 0
        var since: Timestamp
    }

    /// After so many failures within the time further attempts are refused until it is over.
    private static let perPair = 5, perAddress = 20, perAccount = 100
    private static let window = Duration.seconds(300)
    /// So many addresses and accounts are remembered; beyond it the oldest are forgotten.
    private static let limit = 10_000

    private let failures = Mutex<[Subject: Failures]>([:])

    /// How many addresses and accounts are remembered.
    var count: Int { failures.withLock { $0.count } }

    /// Counts an attempt before its password is looked at, so that many at once cannot pass.
    ///
    /// - Parameter account: nil where another service asks for the password: only the address counts.
    /// - Returns: nil when it may go on; else after how long to try again.
    func attempt(from address: String, account: String?, now: Timestamp) -> Duration? {
        let subjects = Self.subjects(address, account)
        return failures.withLock { failures in
            let waits = subjects.compactMap { subject, limit -> Duration? in
                guard let known = failures[subject], now - known.since < Self.window, known.count >= limit else { return nil }
                return Self.window - (now - known.since)
            }
            if let wait = waits.max() { return wait }
            if failures.count > Self.limit - subjects.count { Self.forget(&failures, now) }
            for (subject, _) in subjects {
                if let known = failures[subject], now - known.since < Self.window {
                    failures[subject]?.count += 1
                } else {
                    failures[subject] = Failures(count: 1, since: now)
                }
            }
            return nil
        }
    }

    /// The attempt was right: it does not count, and the person's earlier ones from there neither.
    func succeeded(from address: String, account: String?) {
        let subjects = Self.subjects(address, account)
        failures.withLock { failures in
            if account != nil { failures[subjects[0].0] = nil }
            for (subject, _) in subjects.dropFirst(account == nil ? 0 : 1) where failures[subject] != nil {
                failures[subject]!.count -= 1
            }
        }
    }

    private static func subjects(_ address: String, _ account: String?) -> [(Subject, limit: Int)] {
        // Whoever has an IPv6 network has 2⁶⁴ addresses.
        let network = IPAddress(address).flatMap { $0.isIPv4 ? IPNetwork($0, length: 32) : IPNetwork(around: $0) }
        guard let account else { return [(Subject(address: network), perAddress)] }
        return [
            (Subject(address: network, account: account), perPair), (Subject(address: network), perAddress),
            (Subject(account: account), perAccount),
        ]
    }

    private static func forget(_ failures: inout [Subject: Failures], _ now: Timestamp) {
        failures = failures.filter { now - $0.value.since < window }
        guard failures.count > limit - 3 else { return }
        for (subject, _) in failures.sorted(by: { $0.value.since < $1.value.since }).prefix(limit / 10) {
            failures[subject] = nil
        }
    }
}
