import Columns
import Foundation

/// How much of the tables is kept: by age, by size and by share of the disk, per layer and per table. The section `retention`
/// of `obs.yaml`.
public struct RetentionPolicy: Sendable, Hashable, Decodable {
    /// By table (`bronze.ssh`) or layer (`bronze`).
    var limits: [String: Limits] = [:]
    /// At this share of the disk the oldest rows of bronze are removed; at 1 never.
    public var diskLimit = 0.9
    /// Rows that are younger are not removed for ``diskLimit``: where something else fills the disk, bronze must not pay for it.
    var keepAtLeast = Duration.seconds(3600)
    /// Between two looks at the tables and the disk.
    public var interval = Duration.seconds(60)

    /// What one entry of `tables` says. All limits hold: the first one that is reached removes rows.
    struct Limits: Sendable, Hashable {
        /// Since rows were committed.
        var maxAge: Duration?
        /// Of the data files, in bytes.
        var maxSize: Int?
        /// Of the data files, of the whole disk.
        var maxShare: Double?

        /// The most that the data files may have, in bytes; nil without a limit.
        func bytes(of disk: DiskSpace?) -> Int? {
            let share = maxShare.flatMap { share in disk.map { Int(share * Double($0.capacity)) } }
            return [maxSize, share].compactMap(\.self).min()
        }
    }

    /// Every key of `retention` left out: nothing is removed before the disk is nearly full.
    public init() {}

    /// The limits of a table, and those of its layer.
    func limits(of table: String) -> (table: Limits?, layer: Limits?) { (limits[table], limits[Self.layer(of: table)]) }

    /// The age at which rows of a table are removed. A table's own goes before that of its layer.
    func maxAge(of table: String) -> Duration? {
        let (own, layer) = limits(of: table)
        return own?.maxAge ?? layer?.maxAge
    }

    /// The limits by which rows of a table are removed, as the configuration has them: `max_age 30d of bronze`.
    package func words(for reason: Retention.Reason, of table: String) -> String {
        let (own, layer) = limits(of: table)
        func both(_ words: (Limits) -> String?) -> String {
            let said = [(own, table), (layer, Self.layer(of: table))].compactMap { limits, name in
                limits.flatMap(words).map { "\($0) of \(name)" }
            }
            return said.joined(separator: ", ")
        }
        switch reason {
        case .age: return both { $0.maxAge.map { "max_age \($0.inMicroseconds / 1_000_000)s" } }
        case .size:
            return both { limits in
                let size = limits.maxSize.map { "max_size \($0)B" }, share = limits.maxShare.map { "max_share \($0)" }
                return size == nil && share == nil ? nil : [size, share].compactMap(\.self).joined(separator: ", ")
            }
        case .disk: return "disk_limit \(diskLimit)"
        }
    }

    /// How the small files of a table are merged, so that its limits can be kept to: a file is at most an eighth of what the
    /// table may have, and its rows are at most a sixteenth of the greatest age apart. Otherwise one file would hold rows of
    /// all times, and be removed when its newest is too old.
    func compaction(_ policy: CompactionPolicy, of table: String, _ disk: DiskSpace?) -> CompactionPolicy {
        var policy = policy
        let (own, layer) = limits(of: table)
        // Merging needs room for a copy of what it merges.
        let most = [own?.bytes(of: disk), layer?.bytes(of: disk), disk.map { $0.capacity / 8 }].compactMap(\.self).min()
        if let most { policy.targetFileSize = min(policy.targetFileSize, max(1 << 18, most / 8)) }
        policy.maxSpan = maxAge(of: table).map { max(1000, $0.inMicroseconds / 1000 / 16) }
        return policy
    }

    /// `bronze` of `bronze.ssh`.
    static func layer(of table: String) -> String { String(table.prefix { $0 != "." }) }
}

extension RetentionPolicy {
    private enum CodingKeys: String, CodingKey {
        case tables, every
        case diskLimit = "disk_limit"
        case keepAtLeast = "keep_at_least"
    }

    /// Of the section `retention`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        diskLimit = try container.decodeIfPresent(Double.self, forKey: .diskLimit) ?? diskLimit
        keepAtLeast = try container.duration(.keepAtLeast) ?? keepAtLeast
        interval = try container.duration(.every) ?? interval
        for entry in try container.decodeIfPresent([Entry].self, forKey: .tables) ?? [] {
            guard limits.updateValue(entry.limits, forKey: entry.table) == nil else {
                throw container.refused(
                    .tables, "retention.tables names '\(entry.table)' twice; put all of its limits into one entry")
            }
        }
    }

    private struct Entry: Decodable {
        let table: String
        let limits: Limits

        private enum CodingKeys: String, CodingKey {
            case table
            case maxAge = "max_age"
            case maxSize = "max_size"
            case maxShare = "max_share"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            table = try container.decode(String.self, forKey: .table)
            let parts = table.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count <= 2, parts.allSatisfy(Lake.isName) else {
                throw container.refused(
                    .table, "table is '\(table)'; write a layer such as bronze, or a table such as bronze.ssh")
            }
            var limits = Limits()
            limits.maxAge = try container.duration(.maxAge)
            limits.maxShare = try container.decodeIfPresent(Double.self, forKey: .maxShare)
            if let text = try container.decodeIfPresent(String.self, forKey: .maxSize) {
                guard let size = ByteCount.parse(text), size > 0 else {
                    throw container.refused(.maxSize, "max_size is '\(text)'; write a size such as 500MB or 20GB")
                }
                limits.maxSize = size
            }
            guard limits != Limits() else {
                throw container.refused(.table, "'\(table)' has no limit; give max_age, max_size or max_share")
            }
            self.limits = limits
        }
    }
}

/// Sizes as people write them.
enum ByteCount {
    private static let units: [(name: String, bytes: Int)] = [
        ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40),
        ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000), ("b", 1), ("", 1),
    ]

    /// Of `500MB`, `1.5 GiB` or `1000000`; nil for another text and for more than fits.
    static func parse(_ text: String) -> Int? {
        let digits = text.utf8.prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
        guard let number = Double(String(decoding: digits, as: UTF8.self)) else { return nil }
        let rest = OutsideText(String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self)).trimmed.lowercased()
        guard let unit = units.first(where: { $0.name == rest }) else { return nil }
        let bytes = number * Double(unit.bytes)
        return bytes < 1e18 ? Int(bytes) : nil
    }
}
