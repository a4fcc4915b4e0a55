import Columns
import Foundation

/// Several named states in one file, as bytes: as text within JSON each layer would make them a third larger and hold several
/// copies.
///
///     [{"name":"graph","size":4711},…]
///     4711 bytes of the state of the graph, …
enum StateParts {
    private struct Entry: Codable {
        var name: String
        var size: Int
    }

    /// The list of names and sizes, then the states, without a copy of any.
    static func pieces(_ parts: [String: Data]) throws -> [Data] {
        let sorted = parts.sorted { $0.key < $1.key }
        let entries = sorted.map { Entry(name: $0.key, size: $0.value.count) }
        return [try JSONEncoder().encode(entries) + [UInt8(ascii: "\n")]] + sorted.map(\.value)
    }

    /// The states one behind another, in the order of their names.
    static func joined(_ parts: [String: Data]) throws -> Data {
        let pieces = try pieces(parts)
        var data = Data(capacity: pieces.reduce(0) { $0 + $1.count })
        for piece in pieces { data.append(piece) }
        return data
    }

    /// - Throws: when the bytes are not what ``joined(_:)`` gave.
    static func split(_ data: Data) throws -> [String: Data] {
        guard let end = data.firstIndex(of: UInt8(ascii: "\n")) else { throw StateReader.Damaged() }
        let entries = try JSONDecoder().decode([Entry].self, from: data[..<end])
        var parts: [String: Data] = [:]
        var at = end + 1
        for entry in entries {
            guard entry.size >= 0, entry.size <= data.endIndex - at else { throw StateReader.Damaged() }
            parts[entry.name] = Data(data[at..<at + entry.size])
            at += entry.size
        }
        guard at == data.endIndex else { throw StateReader.Damaged() }
        return parts
    }
}
