import Columns
import Alerting
import Incidents
import Foundation
import Notify
import Yams

/// An error of a room, and where in the file it was thrown.
struct LocatedError: Error {
    let path: [any CodingKey]
    let error: any Error
}

struct NodeDecoder: Decoder {
    let node: Node
    let path: [any CodingKey]
    let log: DecodingLog
    var codingPath: [any CodingKey] { path }
    var userInfo: [CodingUserInfoKey: Any] { log.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        switch node {
        case .mapping(let mapping):
            return KeyedDecodingContainer(MappingContainer(mapping: mapping.merged, path: path, log: log))
        case .scalar where node.null != nil || node.string == "":
            // `http:` with nothing behind it is an empty section.
            return KeyedDecodingContainer(MappingContainer(mapping: .init([]), path: path, log: log))
        default: throw mismatch("a mapping of keys to values", isOneValue: false)
        }
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        switch node {
        case .sequence(let items): return SequenceContainer(items: Array(items), path: path, log: log)
        case .scalar where node.null != nil: return SequenceContainer(items: [], path: path, log: log)
        default: throw mismatch("a list", isOneValue: false)
        }
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { ScalarContainer(decoder: self) }

    /// A room's own error names the key and the value; the innermost value that was being read is where it came from.
    private func located<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DecodingError {
            throw error
        } catch let error as LocatedError {
            throw error
        } catch {
            throw LocatedError(path: path, error: error)
        }
    }

    private func mismatch(_ wanted: String, isOneValue: Bool = true) -> DecodingError {
        let shown: String
        switch node {
        // In place of a mapping or a list a text may be anything, a secret too.
        case .scalar: shown = isOneValue ? log.shown(node.string ?? "", at: path) : "a text"
        case .sequence: shown = "a list"
        case .mapping: shown = "a mapping"
        default: shown = "an alias"
        }
        return .typeMismatch(
            Any.self, .init(codingPath: path, debugDescription: "\(DecodingLog.named(path)) is \(shown); write \(wanted)"))
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type is Secret.Type { log.hide(path) }
        let value: Any?
        switch type {
        case is String.Type:
            guard case .scalar = node else { throw mismatch("a text") }
            value = node.null == nil ? node.string : nil
            if value == nil { throw mismatch("a text") }
            if let wanted = log.declaration(at: path)?.complaint(about: node.string ?? "") { throw mismatch(wanted) }
        case is Bool.Type:
            value = node.bool
            if value == nil { throw mismatch("true or false") }
        case is Double.Type:
            let number = node.float ?? node.int.map(Double.init)
            guard let number else { throw mismatch("a number") }
            if let wanted = log.declaration(at: path)?.complaint(about: number) { throw mismatch(wanted) }
            value = number
        case is Float.Type:
            value = (node.float ?? node.int.map(Double.init)).map { Float($0) }
            if value == nil { throw mismatch("a number") }
        case let integer as any FixedWidthInteger.Type:
            value = node.int.flatMap { Self.narrow($0, to: integer) }
            if value == nil { throw mismatch("a whole number") }
            if let wanted = log.declaration(at: path)?.complaint(about: node.int ?? 0) { throw mismatch(wanted) }
        default:
            if let choices = Self.choices(type), case .scalar = node, let text = node.string, !choices.contains(text) {
                throw mismatch(choices.map { $0.isEmpty ? "nothing" : $0 }.joined(separator: ", ", last: " or "))
            }
            log.begins(path)
            let decoded = try located { try Value(from: self) }
            log.completes(path)
            // A dictionary asks for the keys that are there: none is unknown.
            if decoded is any AnyDictionary { log.allowAnyKey(in: path) }
            return decoded
        }
        return value as! Value
    }

    /// The texts that an enumeration has, nil of another type.
    private static func choices(_ type: any Any.Type) -> [String]? {
        func texts<Cases: CaseIterable>(_ type: Cases.Type) -> [String]? {
            let texts = type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
            return texts.isEmpty ? nil : texts
        }
        return (type as? any CaseIterable.Type).flatMap { texts($0) }
    }

    private static func narrow<Integer: FixedWidthInteger>(_ value: Int, to _: Integer.Type) -> Any? {
        Integer(exactly: value)
    }
}

extension Node.Mapping {
    /// With the keys of the mappings under `<<`; its own come first.
    ///
    /// Source: YAML, "Merge Key Language-Independent Type".
    fileprivate var merged: Node.Mapping {
        guard let merge = first(where: { $0.key.string == "<<" })?.value else { return self }
        var pairs = filter { $0.key.string != "<<" }.map { ($0.key, $0.value) }
        let others: [Node]
        if case .sequence(let items) = merge { others = Array(items) } else { others = [merge] }
        for case .mapping(let other) in others {
            for (key, value) in other.merged where !pairs.contains(where: { $0.0 == key }) { pairs.append((key, value)) }
        }
        return Node.Mapping(pairs)
    }
}

private protocol AnyDictionary {}
extension Dictionary: AnyDictionary {}

private struct MappingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let mapping: Node.Mapping
    let path: [any CodingKey]
    let log: DecodingLog
    var codingPath: [any CodingKey] { path }
    var allKeys: [Key] {
        mapping.compactMap { $0.key.string.flatMap(Key.init(stringValue:)) }.filter { !log.isHole(path + [$0]) }
    }

    private func find(_ key: Key) -> Node? {
        log.ask(for: key.stringValue, in: path)
        guard !log.isHole(path + [key]) else { return nil }
        return mapping.first { $0.key.string == key.stringValue }?.value
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        guard let node = find(key) else { return true }
        guard case .scalar = node else { return false }
        return node.null != nil && node.string != nil && node.bool == nil
    }

    private func decoder(_ key: Key) throws -> NodeDecoder {
        guard let node = find(key) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: path, debugDescription: ""))
        }
        return NodeDecoder(node: node, path: path + [key], log: log)
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoder(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try decoder(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder { NodeDecoder(node: .mapping(mapping), path: path, log: log) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

private struct SequenceContainer: UnkeyedDecodingContainer {
    let items: [Node]
    let path: [any CodingKey]
    let log: DecodingLog
    var codingPath: [any CodingKey] { path }
    /// Of those that are still to come at most so many: holes are passed over.
    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex >= items.count }
    private(set) var currentIndex = 0

    init(items: [Node], path: [any CodingKey], log: DecodingLog) {
        self.items = items
        self.path = path
        self.log = log
        passHoles()
    }

    private mutating func passHoles() {
        while !isAtEnd, log.isHole(path + [ConfigurationKey(currentIndex)]) { currentIndex += 1 }
    }

    /// To the next entry.
    private mutating func advance() {
        currentIndex += 1
        passHoles()
    }

    private mutating func next() throws -> NodeDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Any.self, .init(codingPath: path, debugDescription: "\(DecodingLog.named(path)) has too few entries"))
        }
        defer { advance() }
        return NodeDecoder(node: items[currentIndex], path: path + [ConfigurationKey(currentIndex)], log: log)
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, case .scalar = items[currentIndex], items[currentIndex].null != nil else { return false }
        advance()
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }
    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try next().container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct ScalarContainer: SingleValueDecodingContainer {
    let decoder: NodeDecoder
    var codingPath: [any CodingKey] { decoder.path }

    func decodeNil() -> Bool {
        guard case .scalar = decoder.node else { return false }
        return decoder.node.null != nil
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}

extension [String] {
    /// `a, b or c`
    fileprivate func joined(separator: String, last: String) -> String {
        guard count > 1 else { return first ?? "" }
        return dropLast().joined(separator: separator) + last + self[count - 1]
    }
}
