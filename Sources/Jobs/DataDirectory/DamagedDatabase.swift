import Store

/// What SQLite says of a database that is damaged.
public enum DamagedDatabase {
    /// The sentence for it, or nil when the error is another. Which database it is, only a look at all of them tells.
    public static func sentence(_ error: any Error) -> String? {
        guard case .damaged(_, let reason)? = StoreError(error, path: "") else { return nil }
        return "a database of the data directory is damaged: \(reason); 'obs check store' names it and says what to do"
    }
}
