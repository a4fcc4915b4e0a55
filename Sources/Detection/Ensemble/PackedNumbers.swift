import Foundation

/// Numbers in a model's file: four bytes each, little-endian, which JSON holds as base64. Digits would take three times the room,
/// and JSON cannot hold the infinite thresholds of a forest.
struct PackedNumbers: Codable {
    private let bytes: Data

    init(_ numbers: [Float]) { self.init(bits: numbers.map(\.bitPattern)) }

    init(_ numbers: [Int32]) { self.init(bits: numbers.map { UInt32(bitPattern: $0) }) }

    private init(bits: [UInt32]) {
        var bytes = Data(capacity: bits.count * 4)
        for number in bits { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
        self.bytes = bytes
    }

    /// - Throws: `DecodingError` for bytes that are not whole numbers.
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        bytes = try container.decode(Data.self)
        guard bytes.count % 4 == 0 else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "the last number is not whole")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }

    private var bits: [UInt32] {
        bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
        }
    }

    var floats: [Float] { bits.map { Float(bitPattern: $0) } }
    var integers: [Int32] { bits.map { Int32(bitPattern: $0) } }
}
