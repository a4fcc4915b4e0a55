import Columns
import Notify
import Incidents

/// What has become of one notification after asking each integration of its receiver. A value without clock, store and network.
struct DeliveryRound: Sendable {
    /// What each integration answered, now or before, as ``Progress`` writes it.
    private(set) var delivered: Set<String>
    /// When it is tried again; nil when there is nothing to try again.
    private(set) var retryAt: Timestamp?
    private var problems: [String] = []
    /// What services that accepted it objected to: recipients that a mail server refused.
    private var complaints: [String] = []

    init(delivered: Set<String>) { self.delivered = delivered }

    var isAnyDelivered: Bool { delivered.contains(where: Progress.isNotified) }
    var isAnyRefused: Bool { delivered.contains(where: Progress.isRefusal) }

    /// One sentence per integration.
    var problem: String {
        problems.isEmpty && complaints.isEmpty
            ? "an integration refused it earlier" : (problems + complaints).joined(separator: "; ")
    }

    /// What to report although it was delivered; nil when all accepted it as it was.
    var complaint: String? { complaints.isEmpty ? nil : complaints.joined(separator: "; ") }

    /// Whether an integration has not answered for good yet.
    func wants(_ delivery: String) -> Bool {
        !delivered.contains(delivery) && !delivered.contains(Progress.refused(delivery))
            && !delivered.contains(Progress.silent(delivery))
    }

    /// The parts of this delivery that were accepted before, such as recipients of a mail.
    func parts(of delivery: String) -> Set<String> { Progress.parts(of: delivery, in: delivered) }

    mutating func ended(_ delivery: String, _ kind: String, _ outcome: NoticeOutcome, backoff: Duration, now: Timestamp) {
        switch outcome {
        case .delivered: delivered.insert(delivery)
        case .nothingToSay: delivered.insert(Progress.silent(delivery))
        case .partly(let parts, let reason, isWorthAnotherTry: true):
            delivered.formUnion(parts.map { Progress.part($0, of: delivery) })
            problems.append("\(kind): \(reason)")
            waits(until: now + backoff)
        case .partly(_, let reason, isWorthAnotherTry: false):
            delivered.insert(delivery)
            complaints.append("\(kind): \(reason)")
        case .refused(let reason):
            delivered.insert(Progress.refused(delivery))
            problems.append("\(kind): \(reason)")
        case .retry(let reason, let after):
            problems.append("\(kind): \(reason)")
            waits(until: now + max(after ?? .zero, backoff))
        }
    }

    /// The integration is not to be asked now: it failed too often, or asked for a pause.
    mutating func isWaiting(_ kind: String, until time: Timestamp) {
        problems.append("\(kind): it is not asked before \(time), after failures or because it asked for a pause")
        waits(until: time)
    }

    private mutating func waits(until time: Timestamp) { retryAt = min(retryAt ?? time, time) }
}

/// How the outbox records what each integration of a receiver answered to a text:
///
///     0:obs-7-ab       the first integration accepted it
///     0:obs-7-ab/x     it accepted the part x of it
///     !0:obs-7-ab      it refused it
///     =0:obs-7-ab      its templates made nothing of it
enum Progress {
    static func refused(_ delivery: String) -> String { "!" + delivery }
    static func silent(_ delivery: String) -> String { "=" + delivery }
    static func part(_ part: String, of delivery: String) -> String { "\(delivery)/\(part)" }

    static func isNotified(_ entry: String) -> Bool { !isRefusal(entry) && entry.utf8.first != UInt8(ascii: "=") }
    static func isRefusal(_ entry: String) -> Bool { entry.utf8.first == UInt8(ascii: "!") }

    static func parts(of delivery: String, in entries: Set<String>) -> Set<String> {
        let start = Array("\(delivery)/".utf8)
        return Set(
            entries.filter { $0.utf8.starts(with: start) }.map { String(decoding: $0.utf8.dropFirst(start.count), as: UTF8.self) }
        )
    }
}
