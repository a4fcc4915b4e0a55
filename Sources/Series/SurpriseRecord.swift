/// The greatest surprise of a stretch of the past that grows with the age of the series.
///
/// To exceed the greatest of n exchangeable values has probability 1/n whatever their distribution, so a record means the same
/// on every series. How far a value exceeds it, as a difference of logarithms, is the exponent of a Pareto tail. One enormous
/// anomaly would hide all later ones: a value raises the record by at most ``step``.
///
/// The entries are surprises that are greater than all later ones. One that comes within a ``capacity``th of the stretch after a
/// greater one is left out, which bounds their number; the record can then be forgotten that much too early, never too late.
///
/// Sources: Rényi: Théorie des éléments saillants d'une suite d'observations, 1962 (records); Weissman: Estimation of
/// Parameters and Large Quantiles Based on the k Largest Observations, JASA 1978 (the tail).
struct SurpriseRecord: Sendable, Equatable {
    private static let capacity = 64
    /// A factor of e.
    static let step = 1.0

    struct Entry: Sendable, Equatable {
        var number: Int
        var surprise: Float
    }

    /// Oldest first.
    private(set) var entries: [Entry] = []

    init() {}

    /// - Returns: nil if the entries are not ones that ``observe(_:number:stretch:limit:)`` leaves.
    init?(entries: [Entry]) {
        guard entries.count <= 2 * Self.capacity, entries.allSatisfy({ $0.surprise.isFinite && $0.number >= 0 }),
            zip(entries, entries.dropFirst()).allSatisfy({ $0.number < $1.number && $0.surprise > $1.surprise })
        else { return nil }
        self.entries = entries
    }

    /// The greatest surprise of the stretch; nil at the beginning.
    var greatest: Double? { entries.first.map { Double($0.surprise) } }

    /// - Parameters:
    ///   - number: of the value in its series, rising.
    ///   - stretch: how many values back the record reaches.
    ///   - limit: the most that this surprise counts for.
    mutating func observe(_ surprise: Double, number: Int, stretch: Int, limit: Double) {
        let surprise = Float(min(surprise, limit))
        while let last = entries.last, last.surprise <= surprise { entries.removeLast() }
        if entries.last.map({ number - $0.number > stretch / Self.capacity }) ?? true {
            entries.append(Entry(number: number, surprise: surprise))
        }
        while entries[0].number <= number - stretch, entries.count > 1 { entries.removeFirst() }
    }
}
