import Testing

@testable import Detection

struct `Values that a rule has seen` {
    @Test func `are bounded: those that were away longest go first`() {
        var seen = SeenValues(forgetAfter: 1 << 40, limit: 1000)
        for value in 1...5000 as ClosedRange<UInt64> {
            let isNew = seen.insert(value, at: Int64(value), lateness: 0)
            #expect(isNew)
            #expect(seen.count <= 1000)
        }
        #expect(seen.forgotten == 5000 - seen.count && seen.count > 800)
        #expect(seen[1] == nil && seen[4000] == nil)
        for value in 4500...5000 as ClosedRange<UInt64> { #expect(seen[value]?.last == Int64(value)) }
        #expect(SeenValues(forgetAfter: 1).limit == SeenValues.maxValues)
    }
}
