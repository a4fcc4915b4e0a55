/// Errors about a value of a configuration, which are shown with its line.
extension KeyedDecodingContainer {
    /// A mistake in the value of `key`, which is thrown so that it is reported with the key's line.
    public func refused(_ key: Key, _ message: String) -> DecodingError {
        DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: message)
    }

    /// What `body` makes of the value under `key`; its error is shown at that key.
    public func refusing<Value>(_ key: Key, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DecodingError {
            throw error
        } catch {
            throw refused(key, "\(error)")
        }
    }

    /// The matchers under `key`; none when it is not there.
    public func matchers(_ key: Key) throws -> [Matcher] {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return [] }
        return try refusing(key) { try [Matcher](parsing: text) }
    }
}
