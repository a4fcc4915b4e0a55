import Columns

/// How many distinct values were seen: exactly up to ``exactLimit``, then by HyperLogLog.
///
/// It holds hashes, never values. Two equal hashes of 512 different values come once in 10¹⁴ windows. Above, the standard error
/// is 1.04/√4096 = 1.6 %, in 4 KiB.
///
/// Source: Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, AofA 2007; the estimate of Ertl: New cardinality estimation
/// algorithms for HyperLogLog sketches, arXiv 1702.01284, algorithm 6, which needs no correction for small or large counts.
struct DistinctCount: Sendable {
    static let exactLimit = 512
    private static let registerBits = 12
    private static let registerCount = 1 << registerBits

    /// Open addressing over the hashes while there are few, 0 for an empty slot; the registers, packed as they come, once there
    /// are many.
    private var slots: [UInt64] = []
    private var registers: [UInt8] = []
    private var exactCount = 0

    /// Takes in a value by its hash, the same from run to run; it need not be a good one.
    mutating func insert(_ hash: UInt64) { insert(mixed: Self.mix(hash)) }

    /// Spreads what a hash knows over all its bits: a register is named by the high ones.
    ///
    /// Source: the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
    private static func mix(_ hash: UInt64) -> UInt64 {
        var z = hash &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func insert(mixed hash: UInt64) {
        guard registers.isEmpty else {
            insertRegister(hash)
            return
        }
        let key = hash == 0 ? 1 : hash
        if slots.isEmpty { slots = Array(repeating: 0, count: 4) }
        var slot = Int(truncatingIfNeeded: key) & (slots.count - 1)
        while slots[slot] != 0 {
            if slots[slot] == key { return }
            slot = (slot + 1) & (slots.count - 1)
        }
        guard exactCount < Self.exactLimit else {
            let known = slots
            slots = []
            registers = Array(repeating: 0, count: Self.registerCount)
            for key in known where key != 0 { insertRegister(key) }
            insertRegister(key)
            return
        }
        slots[slot] = key
        exactCount += 1
        if exactCount * 4 > slots.count * 3 { grow() }
    }

    private mutating func grow() {
        let known = slots
        slots = Array(repeating: 0, count: known.count * 2)
        for key in known where key != 0 {
            var slot = Int(truncatingIfNeeded: key) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = key
        }
    }

    private mutating func insertRegister(_ hash: UInt64) {
        // The slot in the table above uses the low bits, so the register is named by the high ones.
        let register = Int(hash >> UInt64(64 - Self.registerBits))
        let rank = UInt8(min((hash << UInt64(Self.registerBits)).leadingZeroBitCount, 64 - Self.registerBits) + 1)
        if registers[register] < rank { registers[register] = rank }
    }

    mutating func merge(_ other: DistinctCount) {
        if other.registers.isEmpty {
            for key in other.slots where key != 0 { insert(mixed: key) }
            return
        }
        if registers.isEmpty {
            let known = slots
            slots = []
            registers = Array(repeating: 0, count: Self.registerCount)
            for key in known where key != 0 { insertRegister(key) }
        }
        for index in registers.indices { registers[index] = max(registers[index], other.registers[index]) }
    }

    var count: Int64 {
        guard !registers.isEmpty else { return Int64(exactCount) }
        let m = Double(Self.registerCount), highest = 64 - Self.registerBits
        var counts = [Double](repeating: 0, count: highest + 2)
        for rank in registers { counts[Int(rank)] += 1 }
        var z = m * Self.tau(1 - counts[highest + 1] / m)
        for rank in stride(from: highest, to: 0, by: -1) { z = 0.5 * (z + counts[rank]) }
        z += m * Self.sigma(counts[0] / m)
        return Int64((m * m / (2 * 2.0.logarithm * z)).rounded())
    }

    private static func sigma(_ share: Double) -> Double {
        guard share < 1 else { return .infinity }
        var x = share, y = 1.0, z = share, last = -1.0
        while z != last {
            (x, last) = (x * x, z)
            z += x * y
            y += y
        }
        return z
    }

    private static func tau(_ share: Double) -> Double {
        guard share > 0, share < 1 else { return 0 }
        var x = share, y = 1.0, z = 1 - share, last = -1.0
        while z != last {
            (x, last, y) = (x.squareRoot(), z, y * 0.5)
            z -= (1 - x) * (1 - x) * y
        }
        return z / 3
    }

    func encode(to writer: inout StateWriter) {
        writer.write(registers)
        writer.write(exactCount)
        guard registers.isEmpty else { return }
        for key in slots where key != 0 { writer.write(key) }
    }

    init() {}

    init(from reader: inout StateReader) throws {
        registers = try reader.array()
        guard registers.isEmpty || registers.count == Self.registerCount,
            registers.allSatisfy({ $0 <= 64 - UInt8(Self.registerBits) + 1 })
        else {
            throw StateReader.Damaged()
        }
        let count = try reader.int()
        guard registers.isEmpty else {
            exactCount = count
            return
        }
        guard (0...Self.exactLimit).contains(count) else { throw StateReader.Damaged() }
        for _ in 0..<count { insert(mixed: try reader.uint64()) }
    }
}
