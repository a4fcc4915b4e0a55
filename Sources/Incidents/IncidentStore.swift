import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// Incidents, their evidence and timelines in the store. A change and the notifications that it causes
/// are one transaction.
///
/// Any process may use it: `obs run` and `obs incident ack` write to the same file.
public struct IncidentStore: Sendable {
    /// The file that the tables are in.
    public let store: Store

    /// The incidents of an opened database, whose layout has ``migrations``.
    public init(_ store: Store) {
        self.store = store
    }

    /// Reads in one transaction: all that is asked in it is of one moment.
    public func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try store.database.read(body) }

    /// Changes incidents or their timelines in one transaction, on disk when it returns, and lets them be found by their words.
    public func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try store.database.write { try TextIndex.catchingUp($0, body) }
    }

    /// The same for those who must not block their thread.
    public func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await store.database.write { try TextIndex.catchingUp($0, body) }
    }

    // MARK: Ends

    /// Resolves the incidents of findings that end by themselves and have seen nothing new for long enough. Posted alerts end
    /// by their own times; an incident that ends by hand, or that somebody has, does not end here.
    ///
    /// - Parameters:
    ///   - timeout: how long that is where the rule does not say.
    ///   - passedOver: called with each that could not be resolved, and why; the others are.
    /// - Returns: how many were resolved.
    public func resolveQuiet(
        after timeout: Duration, now: Timestamp, passedOver: (Int64, any Error) -> Void = { _, _ in }
    ) throws -> Int {
        try Self.quietEnds.reduce(0) {
            try $0 + resolveQuiet($1.index, $1.condition, after: timeout, now: now, passedOver: passedOver)
        }
    }

    /// Those of the common time and those of their rule's: each walks an index that holds no others.
    private static let quietEnds = [
        (index: "incident_ends_by_quiet", condition: "ends_after IS NULL AND updated_at < ?1"),
        (index: "incident_ends_by_own_quiet", condition: "ends_after IS NOT NULL AND updated_at < ?2 - ends_after"),
    ]

    private func resolveQuiet(
        _ index: String, _ isQuiet: String, after timeout: Duration, now: Timestamp, passedOver: (Int64, any Error) -> Void
    ) throws -> Int {
        // Looked for without the write lock first: this is asked every second, and nearly always there is none.
        let condition = """
            \(IncidentSchema.endsByQuiet) AND \(isQuiet) AND (quiet_for IS NULL OR updated_at < ?2 - quiet_for)
            AND NOT EXISTS (SELECT 1 FROM incident p WHERE p.merged_into = incident.number AND p.state <> 'resolved')
            """
        let arguments: StatementArguments = [(now - timeout).microseconds, now.microseconds]
        let isAnyQuiet = try store.database.read { database in
            try Bool.fetchOne(
                database.cachedStatement(
                    sql: "SELECT EXISTS (SELECT 1 FROM incident INDEXED BY \(index) WHERE \(condition))"),
                arguments: arguments) ?? false
        }
        guard isAnyQuiet else { return 0 }
        let (count, failed) = try write { database in
            let quiet = try Row.fetchAll(
                database, sql: "SELECT number, quiet_for, ends_after FROM incident INDEXED BY \(index) WHERE \(condition)",
                arguments: arguments
            ).map { row in
                let own = max(
                    Int64.fromDatabaseValue(row[1]) ?? 0, Int64.fromDatabaseValue(row[2]) ?? timeout.inMicroseconds)
                return (number: Int64.fromDatabaseValue(row[0]) ?? 0, quiet: Duration.microseconds(own))
            }
            let failed = try database.eachApart(quiet) { one in
                let changes = IncidentLife.end(
                    one.number, children: [], as: .quiet, by: LifeChange.obs,
                    "nothing new for \(Int(one.quiet.inSeconds)) s", now: now)
                try IncidentLedger.apply(changes, now: now, database)
            }
            return (quiet.count - failed.count, failed.map { ($0.item.number, $0.error) })
        }
        for (number, error) in failed { passedOver(number, error) }
        return count
    }
}
