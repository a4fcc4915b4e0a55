import Columns
@preconcurrency import GRDB
import Lake
import Store

/// Retention and its entries in the audit: a round of `obs run`, or `obs lake retain`.
public enum Retaining {
    /// Removes what the policy says, once. Blocks.
    ///
    /// - Parameters:
    ///   - actor: who does it, for the audit.
    ///   - disk: how full the disk is; nil where it cannot be known.
    /// - Throws: when the tables cannot be listed or the audit cannot be written; what was removed by then stays removed.
    public static func round(
        _ workspace: Workspace, _ policy: RetentionPolicy, actor: String, now: Timestamp = .now,
        disk: @escaping @Sendable () -> DiskSpace?
    ) throws -> Retention.Outcome {
        let outcome = try Retention(policy, disk: disk).round(workspace.lake, now: now)
        guard !outcome.removals.isEmpty else { return outcome }
        try workspace.store.database.write { database in
            for removal in outcome.removals {
                try Store.audit(
                    database, at: now.microseconds, actor: actor, action: "retention", subject: removal.table,
                    detail: sentence(removal, policy, outcome.disk))
            }
        }
        return outcome
    }

    /// The proof of a removal: what, up to when, and by which policy.
    private static func sentence(_ removal: Retention.Removal, _ policy: RetentionPolicy, _ disk: DiskSpace?) -> String {
        let full = removal.reason == .disk ? "the disk was \(disk.map { "\(Int($0.usedShare * 100)) %" } ?? "nearly") full, " : ""
        return "\(removal.rows) rows in \(removal.files) files, \(removal.bytes) bytes, committed until \(removal.newest): "
            + "\(full)policy \(policy.words(for: removal.reason, of: removal.table))"
    }
}
