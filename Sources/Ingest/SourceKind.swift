/// The settings of one kind of source, as an entry under `sources:` has them, and the sources that read by them.
///
/// A new kind is a file with its settings and its source, and a line in ``SourceKinds/all``. The settings are decoded from the
/// whole entry, beside the keys that every entry has (`name`, `pipeline`, …); a mistake is thrown so that it is shown with its
/// line.
protocol SourceKind: Sendable, Hashable, Decodable {
    /// The key of an entry that says the kind, such as `file`. An entry has exactly one of these keys.
    static var entryKey: String { get }

    /// What a source of that name reads, for people: `/var/log/auth.log`, `shop.db#orders`, `/api/v1/ingest/views`.
    func place(of name: String) -> String

    /// Whether lines come often enough that a long silence says something; not so for records that change when somebody changes
    /// them.
    static var hasHabit: Bool { get }

    /// Addresses and pipes that only one source can have, and that nobody reads while the pipeline does not run: a pipeline with
    /// a schedule cannot have such a source. Empty for what can be read at any time.
    var exclusivePlaces: [String] { get }

    /// What is found now at its place, without opening or reading anything.
    func look() -> SourceLook

    /// A source that goes on when all that exists is read, until its task is cancelled.
    func source(_ setup: SourceSetup) async throws -> any Source

    /// A source that ends when all that exists is read; nil when nothing exists yet.
    func endingSource(_ setup: SourceSetup) async throws -> (any Source)?
}

extension SourceKind {
    static var hasHabit: Bool { true }
    var exclusivePlaces: [String] { [] }
}

/// The kinds of sources. A new one is a file in this folder and a line here.
enum SourceKinds {
    /// In the order in which sentences name their keys.
    static let all: [any SourceKind.Type] = [
        FollowSource.Configuration.self, JournalSource.Configuration.self, SyslogSettings.self, PipeSettings.self,
        PushedSource.self, SQLiteSource.Configuration.self, FolderSource.Configuration.self,
    ]
}
