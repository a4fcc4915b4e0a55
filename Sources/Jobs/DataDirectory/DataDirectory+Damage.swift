import Store

extension DataDirectory {
    /// The sentence for a damaged database, or nil when the error is another. Which database it is, only a look at all of them
    /// tells.
    public static func damage(_ error: any Error) -> String? {
        guard case .damaged(_, let reason)? = StoreError(error, path: "") else { return nil }
        return "a database of the data directory is damaged: \(reason); 'obs check store' names it and says what to do"
    }
}
