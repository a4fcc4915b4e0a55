import Foundation

/// What a failing disk, a crash or a full one does to a file.
public enum Damage: Sendable, CustomStringConvertible {
    case cutToNothing
    /// Cut behind so many thousandths of its bytes.
    case cutShort(at: Int)
    /// One bit of the byte behind so many thousandths of them has changed.
    case flippedBit(at: Int, bit: Int)

    /// All three kinds, the second and third at `places` each: spread over the file, at places that a seed chooses.
    public static func all(places: Int, seed: UInt64) -> [Damage] {
        var state = seed
        func next(_ bound: Int) -> Int {
            // Knuth, The Art of Computer Programming, 3.3.4, line 26: enough to choose places.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        return [.cutToNothing]
            + (0..<places).flatMap { place in
                let at = (place * 1000 + next(1000)) / places
                return [Damage.cutShort(at: at), .flippedBit(at: at, bit: next(8))]
            }
    }

    /// The bytes after it.
    public func done(to good: Data) -> Data {
        switch self {
        case .cutToNothing: return Data()
        case .cutShort(let at): return Data(good.prefix(min(good.count - 1, good.count * at / 1000)))
        case .flippedBit(let at, let bit):
            var bad = good
            bad[bad.startIndex + min(good.count - 1, good.count * at / 1000)] ^= 1 << UInt8(bit)
            return bad
        }
    }

    public var description: String {
        switch self {
        case .cutToNothing: "cut to nothing"
        case .cutShort(let at): "cut at \(at)/1000"
        case .flippedBit(let at, let bit): "bit \(bit) at \(at)/1000"
        }
    }
}
