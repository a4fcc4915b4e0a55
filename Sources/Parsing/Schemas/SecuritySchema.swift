import Columns

/// The public schemas in which events of `silver.ssh` are exported for other systems.
public enum SecuritySchema: String, Sendable, CaseIterable {
    /// Elastic Common Schema 9.
    case ecs
    /// Open Cybersecurity Schema Framework 1.8.
    case ocsf

    /// The rows of a batch as JSON Lines, an event each. A column that the batch lacks is as one without values.
    ///
    /// - Throws: ``FormatError/badColumn(_:format:reason:)`` for rows that are not events of sshd and its neighbours.
    public func lines(of batch: Batch) throws(FormatError) -> [UInt8] {
        for name in ["event_time", "event", "outcome"] where batch[name] == nil {
            throw .badColumn(
                name, format: rawValue, reason: "the table does not have it; '--as \(rawValue)' is for tables of the format sshd")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(batch.count * 512)
        for row in 0..<batch.count {
            let event = SecurityEvent(batch, row)
            bytes += (self == .ecs ? event.ecs : event.ocsf).bytes()
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}

/// One row of `silver.ssh`, as the schemas see it.
struct SecurityEvent {
    let time: Timestamp
    let event: SSHEvent
    /// As the row has it: one that a later release has written is `other` to this one.
    let action: String
    let outcome: SSHOutcome?
    let host: String?
    let process: String?
    let pid: Int64?
    let stage: String?
    let user: String?
    let source: String?
    let port: Int64?
    let method: String?
    let count: Int64
    let file: String?
    let offset: Int64?

    init(_ batch: Batch, _ row: Int) {
        func text(_ name: String) -> String? { batch[name]?.string(at: row) }
        func number(_ name: String) -> Int64? { batch[name]?.integer(at: row) }
        time = Timestamp(microseconds: number("event_time") ?? 0)
        action = text("event") ?? SSHEvent.other.rawValue
        event = SSHEvent(rawValue: action) ?? .other
        outcome = text("outcome").flatMap(SSHOutcome.init(rawValue:))
        host = text("host")
        process = text("process")
        pid = number("pid")
        stage = text("stage")
        user = text("user")
        source = text("source")
        port = number("port")
        method = text("method")
        count = max(1, number("count") ?? 1)
        file = text("file")
        offset = number("offset")
    }

    /// Whether an attempt was turned down, by whichever side.
    var hasFailed: Bool { outcome.map { $0 != .success } ?? false }

    /// The source, by whether it is an address or the name of a host.
    var address: (ip: String?, name: String?) {
        guard let source else { return (nil, nil) }
        return IPAddress(source) == nil ? (nil, source) : (source, nil)
    }
}

extension JSON {
    /// The members that have a value.
    static func object(_ members: (String, JSON?)...) -> JSON {
        .object(members.compactMap { name, value in value.map { Member(name, $0) } })
    }

    /// Nil for an object without members.
    var unlessEmpty: JSON? { if case .object(let members) = self, members.isEmpty { nil } else { self } }

    static func text(_ text: String?) -> JSON? { text.map { .text(OutsideText($0)) } }
    static func integer(_ number: Int64?) -> JSON? { number.map { .integer($0) } }
}
