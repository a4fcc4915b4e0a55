@preconcurrency import GRDB

extension Database {
    /// `execute(sql:arguments:)` for one statement that runs often: it stays compiled with its connection, and compiling costs
    /// more than most of them do.
    public func executeCached(sql: String, arguments: StatementArguments = StatementArguments()) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
