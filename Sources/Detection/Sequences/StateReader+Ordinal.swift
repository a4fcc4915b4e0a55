import Columns

extension StateReader {
    /// A number that is not below 0, of those that were written in as few bytes as they need.
    mutating func ordinal() throws(Damaged) -> Int {
        let number = try compactInt64()
        guard number >= 0, number < 1 << 62 else { throw Damaged() }
        return Int(number)
    }
}
