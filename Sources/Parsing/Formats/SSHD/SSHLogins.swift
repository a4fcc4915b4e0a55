import Columns

/// From where each user of each host logged in last, for the lines of programs that only know the user: `sudo: alice : …
/// COMMAND=/bin/sh` names no address, and whoever asks what an intruder did asks by his.
///
/// A user who is logged in from two places is taken for the one who came last. Bounded: the log-in that is longest ago makes
/// room.
struct SSHLogins: Sendable {
    /// A session that lasts longer is rare, and then the line has no address.
    private static let lifetime: Int64 = 12 * 3_600_000_000
    private static let maxCount = 1024
    private static let maxSourceLength = 64

    private struct Login {
        var time: Int64
        var source: [UInt8]
    }

    /// By a hash of host and user.
    private var logins: [UInt64: Login] = [:]

    private static func key(_ host: Span<UInt8>, _ user: Span<UInt8>) -> UInt64 {
        var hash = StableHash()
        hash.add(host)
        hash.add(0)
        hash.add(user)
        return hash.value
    }

    mutating func note(_ host: Span<UInt8>, _ user: Span<UInt8>, from source: Span<UInt8>, at time: Int64) {
        guard !source.isEmpty, source.count <= Self.maxSourceLength else { return }
        let key = Self.key(host, user)
        if logins[key] == nil, logins.count >= Self.maxCount,
            let oldest = logins.min(by: { ($0.value.time, $0.key) < ($1.value.time, $1.key) })
        {
            logins[oldest.key] = nil
        }
        logins[key] = Login(time: time, source: source.withUnsafeBufferPointer(Array.init))
    }

    /// Nil when the user has not logged in for long.
    func source(_ host: Span<UInt8>, _ user: Span<UInt8>, at time: Int64) -> [UInt8]? {
        guard let login = logins[Self.key(host, user)], abs(time &- login.time) <= Self.lifetime else { return nil }
        return login.source
    }
}

// MARK: Checkpoints

extension SSHLogins {
    func encode(to writer: inout StateWriter) {
        writer.write(logins.count)
        for (key, login) in logins.sorted(by: { $0.key < $1.key }) {
            writer.write(key)
            writer.write(login.time)
            writer.write(login.source)
        }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        let count = try reader.count()
        guard count <= Self.maxCount else { throw StateReader.Damaged() }
        for _ in 0..<count {
            let key = try reader.uint64(), time = try reader.int64(), source = try reader.array()
            guard source.count <= Self.maxSourceLength, source.span.isValidUTF8 else { throw StateReader.Damaged() }
            logins[key] = Login(time: time, source: source)
        }
    }
}
