import Columns
import Foundation

extension SplitMix64 {
    /// A stream of its own for part `number` of a model, so that one part does not depend on how much another has drawn.
    init(seed: UInt64, part number: Int) {
        var parent = SplitMix64(seed: seed &+ UInt64(truncatingIfNeeded: number) &* 0xD1B5_4A32_D192_ED03)
        self.init(seed: parent.next())
    }

    /// A number in [0, 1).
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func index(below count: Int) -> Int { Int(next() % UInt64(count)) }

    /// Two independent numbers of the standard normal distribution.
    ///
    /// Source: Box, Muller: A Note on the Generation of Random Normal Deviates, Annals of Mathematical Statistics 1958.
    mutating func normalPair() -> (Double, Double) {
        let radius = (-2 * log(1 - unit())).squareRoot(), angle = 2 * Double.pi * unit()
        return (radius * cos(angle), radius * sin(angle))
    }

    /// `count` different numbers below `total` in random order, or all of them where there are fewer.
    ///
    /// - Complexity: O(count): a shuffle that remembers only the positions that it has touched.
    mutating func sample(_ count: Int, below total: Int) -> [Int] {
        var moved: [Int: Int] = [:]
        return (0..<min(count, total)).map { position in
            let other = position + index(below: total - position)
            let chosen = moved[other] ?? other
            moved[other] = moved[position] ?? position
            return chosen
        }
    }
}
