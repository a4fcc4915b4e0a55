import Columns

/// One version of a table, as its log tells it.
public struct TableVersion: Sendable {
    /// From 0, one per commit.
    public let version: Int64
    /// When it was committed; nil where its commit does not say it.
    public let time: Timestamp?
    /// What made it: `STREAMING UPDATE`, `OPTIMIZE`, …; empty when its writer does not say.
    public let operation: String
    /// Data files that the commit added.
    public let addedFiles: Int
    /// Data files that the commit took out of the table.
    public let removedFiles: Int
    /// As far as the statistics of the added files say.
    public let addedRows: Int
}

extension DeltaTable {
    /// The versions that the log still has, newest first.
    public func history(limit: Int = 100) throws(LakeError) -> [TableVersion] {
        var entries: [TableVersion] = []
        var number = version
        while number >= 0, entries.count < limit, try log.has(number) {
            let actions = try log.actions(of: number)
            let info = actions.compactMap(\.commitInfo).first
            let added = actions.compactMap(\.add)
            entries.append(
                TableVersion(
                    version: number, time: info?.timestamp.map { Timestamp(microseconds: $0 * 1000) },
                    operation: info?.operation ?? "", addedFiles: added.count, removedFiles: actions.compactMap(\.remove).count,
                    addedRows: added.reduce(0) { $0 + ($1.stats.flatMap { FileBounds($0)?.rowCount } ?? 0) }))
            number -= 1
        }
        return entries
    }
}

/// Which version of a table to open.
public enum TableMoment: Sendable, Equatable {
    case newest
    case version(Int64)
    /// The last version that was committed at or before then.
    case time(Timestamp)
}
