import Columns
import Testing

@testable import Detection

struct `A table by key` {
    @Test(arguments: 1...5) func `holds what a dictionary holds, whatever is put in, taken out and filtered`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        // Few keys, many of which want the same place.
        let keys = (0..<200).map { _ in
            UInt64.random(in: 0..<40, using: &random) << 20 | UInt64.random(in: 0..<8, using: &random) << 1 | 1
        }
        var table = KeyTable(0), twin: [UInt64: Int] = [:]
        for step in 0..<5000 {
            let key = keys.randomElement(using: &random)!
            switch Int.random(in: 0..<200, using: &random) {
            case 0:
                table.filter { $0 % 3 == 0 && $1 % 2 == 0 }
                twin = twin.filter { $0.key % 3 == 0 && $0.value % 2 == 0 }
            case 1..<90:
                table[key] = nil
                twin[key] = nil
            default:
                table[key] = step
                twin[key] = step
            }
            #expect(table[key] == twin[key] && table.count == twin.count)
        }
        #expect(Dictionary(uniqueKeysWithValues: table.all.map { ($0.key, $0.value) }) == twin)
        #expect(keys.allSatisfy { table[$0] == twin[$0] })
    }
}
