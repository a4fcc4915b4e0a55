import Columns
import Logging
import Telemetry

/// The settings of a source of any kind, as an entry under `sources:` has them: the key that says the kind, and what belongs to
/// it.
public struct SourceSettings: Sendable, Decodable {
    private let kind: any SourceKind

    private init(_ kind: any SourceKind) { self.kind = kind }

    /// Follows a path or pattern.
    public static func file(_ path: String) -> SourceSettings { SourceSettings(FollowSource.Configuration(path: path)) }

    /// Reads a folder in which each file is a record.
    public static func folder(_ path: String) -> SourceSettings { SourceSettings(FolderSource.Configuration(path: path)) }

    /// Reads the rows of a SQLite table in the order of `key`; nil is the primary key.
    public static func table(_ table: String, in path: String, key: String?) -> SourceSettings {
        SourceSettings(SQLiteSource.Configuration(path: path, table: table, key: key))
    }

    /// Reads systemd's journal: entries of these facilities, and of all where none is named.
    public static func journal(facilities: [String]) -> SourceSettings {
        var configuration = JournalSource.Configuration()
        configuration.facilities = facilities
        return SourceSettings(configuration)
    }

    /// Reads what is written to standard input or to a named pipe.
    ///
    /// - Parameter path: of a FIFO; `-` is standard input.
    public static func pipe(_ path: String) -> SourceSettings { SourceSettings(PipeSettings(path: path)) }

    private struct EntryKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads the keys of an entry that belong to the kind of its source.
    ///
    /// - Throws: when it has the keys of no kind or of several, or when a kind refuses a value.
    public init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: EntryKey.self)
        let given = SourceKinds.all.filter { kind in
            let key = EntryKey(stringValue: kind.entryKey)
            return entry.contains(key) && (try? entry.decode(Bool.self, forKey: key)) != false
        }
        guard given.count == 1 else {
            let name = try entry.decode(String.self, forKey: EntryKey(stringValue: "name"))
            let keys = SourceKinds.all.map { $0.entryKey }
            throw entry.refused(
                EntryKey(stringValue: keys[0]),
                "source '\(name)' has \(given.isEmpty ? "none" : "several") of \(keys.dropLast().joined(separator: ", ")) and "
                    + "\(keys.last!); give one")
        }
        kind = try given[0].init(from: decoder)
    }

    /// What a source of that name reads, for people: `/var/log/auth.log`, `shop.db#orders`, `/api/v1/ingest/views`.
    public func place(of name: String) -> String { kind.place(of: name) }

    /// Addresses and pipes that only one source can have, and that nobody reads while the pipeline does not run; empty for what
    /// can be read at any time.
    public var exclusivePlaces: [String] { kind.exclusivePlaces }

    /// Whether lines come often enough that a long silence says something.
    public var hasHabit: Bool { type(of: kind).hasHabit }

    /// The path or pattern that is followed; nil for another kind of source.
    public var followedPath: String? { (kind as? FollowSource.Configuration)?.path }

    /// What is followed, with where it is rotated to; nil for another kind of source.
    var followedFiles: FollowSource.Configuration? { kind as? FollowSource.Configuration }

    /// Whether lines are pushed to it over HTTP, so that it has a spool.
    public var isPushed: Bool { kind is PushedSource }
    /// How lines are pushed to it; nil for another kind of source.
    var pushedSource: PushedSource? { kind as? PushedSource }

    /// Whether its lines are in a spool before they are read, which redacts them.
    package var hasSpool: Bool { kind is PushedSource || kind is SyslogSettings || kind is PipeSettings }

    /// What is found now at its place, without opening or reading anything.
    public func look() -> SourceLook { kind.look() }

    /// A source that goes on when all that exists is read, until its task is cancelled.
    public func source(_ setup: SourceSetup) async throws -> any Source { try await kind.source(setup) }

    /// A source that ends when all that exists is read; nil when nothing exists yet.
    public func endingSource(_ setup: SourceSetup) async throws -> (any Source)? { try await kind.endingSource(setup) }
}

extension SourceSettings: Hashable {
    /// Equal when kind and settings are.
    public static func == (left: SourceSettings, right: SourceSettings) -> Bool {
        func isEqual<Kind: SourceKind>(_ kind: Kind) -> Bool { kind == right.kind as? Kind }
        return isEqual(left.kind)
    }

    /// Of the settings.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

/// What a source of any kind is made with.
public struct SourceSetup: Sendable {
    /// The name in the configuration; it is also in the `source` column and in metrics.
    public let name: String
    let metrics: SourceMetrics
    let logger: Logger
    let spool: @Sendable () async throws -> Spool

    /// - Parameter spool: gives the spool of a source whose lines could not be read again; called for no other.
    public init(
        name: String, metrics: MetricsRegistry, logger: Logger,
        spool: @escaping @Sendable () async throws -> Spool = {
            preconditionFailure("only what runs until it is stopped has a spool")
        }
    ) {
        self.name = name
        self.metrics = SourceMetrics(metrics, source: name)
        self.logger = logger
        self.spool = spool
    }
}
