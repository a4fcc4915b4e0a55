import Testing

@testable import Detection

struct `Features in bins` {
    @Test func `have a bin of their own for each of few values, and none for what is not there`() {
        let binned = BinnedFeatures([[3, 1, .nan, 2, 1, .nan, 3]])
        #expect(binned.bins == [[3, 1, 0, 2, 1, 0, 3]])
        #expect(binned.cuts == [[1.5, 2.5]])
    }

    @Test(arguments: [(1.4, 1), (1.5, 1), (1.500_001, 2), (2.5, 2), (2.6, 3), (-1e300, 1), (1e300, 3)])
    func `hold a value that is at most their cut`(value: Double, bin: UInt8) {
        #expect(BinnedFeatures.bin(value, [1.5, 2.5]) == bin)
        #expect(BinnedFeatures.bin(value, []) == 1)
    }

    @Test func `tell neighbours among the doubles apart`() {
        let low = 1.0, high = low.nextUp
        #expect(BinnedFeatures([[low, high]]).bins == [[1, 2]])
        // The cut is the lower of the two: half-way would be one of them.
        #expect(BinnedFeatures([[low, high]]).cuts == [[low]])
    }

    @Test func `of very many values have about as many rows each, in their order`() throws {
        let values = (0..<10_000).map { Double($0 * 7919 % 10_000) }
        let binned = BinnedFeatures([values])
        let counts = Dictionary(grouping: binned.bins[0], by: { $0 }).mapValues(\.count)
        #expect(counts.count == 254 && counts.values.allSatisfy { (38...41).contains($0) })
        for (value, other) in zip(values, values.dropFirst()) where value < other {
            #expect(BinnedFeatures.bin(value, binned.cuts[0]) <= BinnedFeatures.bin(other, binned.cuts[0]))
        }
    }
}
