import Columns

/// The tables below one folder: `silver.ssh` is the table in `silver/ssh`.
public struct Lake: Sendable {
    /// The folder that holds the tables.
    public let root: String

    /// The lake in a folder, which is created with the first table.
    public init(root: String) {
        self.root = root
    }

    /// Opens a table that is there, now or as it was.
    ///
    /// - Throws: ``LakeError/noTable(_:)``; ``LakeError/noVersion(_:table:)`` and ``LakeError/notInLog(table:wanted:oldest:)``
    ///   for a past that the log does not have.
    public func table(_ name: String, at moment: TableMoment = .newest) throws(LakeError) -> DeltaTable {
        let storage = try storage(of: name)
        switch moment {
        case .newest: return try DeltaTable(name: name, storage: storage, creating: nil)
        case .version(let version):
            guard version >= 0 else { throw .noVersion(version, table: name) }
            return try DeltaTable(name: name, storage: storage, version: version)
        case .time(let time):
            // The time of a version is that of its commit file, as the protocol has it.
            let commits = try DeltaLog(storage: storage, table: name).list().commits
            guard let oldest = commits.first?.version else { throw .noTable(name) }
            guard let last = commits.last(where: { $0.time <= time.microseconds / 1000 }) else {
                throw .notInLog(table: name, wanted: "of \(time)", oldest: oldest)
            }
            return try DeltaTable(name: name, storage: storage, version: last.version)
        }
    }

    /// Opens a table, or makes it with these columns. A table that is there and lacks some of them gets them, if they may be
    /// null.
    ///
    /// - Parameters:
    ///   - partitions: columns whose values each have files of their own; a date, as a rule.
    ///   - configuration: settings of a new table, such as `delta.logRetentionDuration`.
    public func table(
        _ name: String, creating schema: Schema, partitionedBy partitions: [String] = [], configuration: [String: String] = [:]
    ) throws(LakeError) -> DeltaTable {
        try DeltaTable(
            name: name, storage: try storage(of: name), creating: schema, partitionedBy: partitions, configuration: configuration)
    }

    /// The names of all tables, sorted.
    public func tables() throws(LakeError) -> [String] {
        let storage = LocalStorage(root: root)
        var names: [String] = []
        for layer in try storage.list("") where layer.isFolder {
            for table in try storage.list(layer.key) where table.isFolder {
                if try storage.exists(table.key + "/_delta_log") { names.append(table.key.replacing("/", with: ".")) }
            }
        }
        return names
    }

    func storage(of name: String) throws(LakeError) -> LocalStorage {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        // A name comes from a command line or a URL: it must not lead out of the lake.
        guard parts.count == 2, parts.allSatisfy(Self.isName) else {
            throw .noTable(name)
        }
        return LocalStorage(root: "\(root)/\(parts[0])/\(parts[1])")
    }

    /// Whether a layer, a table or a pipeline may be called so: letters and digits of ASCII, `_` and `-`. Names become folders
    /// and metric labels.
    public static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
