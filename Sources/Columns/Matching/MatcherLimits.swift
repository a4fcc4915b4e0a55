extension Array<Matcher> {
    /// How many one filter, silence or route may have.
    public static var maxCount: Int { 100 }
    /// How long the text of a list may be in bytes, and all values of one together.
    public static var maxLength: Int { 64 << 10 }
    /// How many instructions the regular expressions of one list may have together: so many steps a byte may cost.
    public static var maxProgram: Int { 20_000 }

    /// The list, when it is not larger than people need.
    ///
    /// - Throws: ``Matcher/Malformed`` with the limit that it is beyond.
    public func bounded() throws(Matcher.Malformed) -> Self {
        func refuse(_ reason: String) -> Matcher.Malformed {
            Matcher.Malformed(text: first.map { "\($0.name)…" } ?? "", reason: reason)
        }
        guard count <= Self.maxCount else { throw refuse("there are \(count) matchers, and at most \(Self.maxCount) are taken") }
        let length = reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard length <= Self.maxLength else {
            throw refuse("the matchers have \(length) bytes, and at most \(Self.maxLength) are taken")
        }
        let program = reduce(0) { $0 + $1.programSize }
        guard program <= Self.maxProgram else {
            throw refuse("its regular expressions are too large together; repeat less, or write fewer")
        }
        return self
    }
}
