/// Makes ``JSON`` of `Encodable` values. It knows what our values are made of: objects, lists, texts, numbers.
final class JSONTree {
    private enum Node {
        case value(JSON)
        case list([JSONTree])
        case object([(name: String, node: JSONTree)])
    }

    private var node = Node.value(.object([]))

    static func encode(_ value: some Encodable) throws -> JSON {
        let tree = JSONTree()
        try tree.put(value)
        return tree.json
    }

    private var json: JSON {
        switch node {
        case .value(let value): value
        case .list(let list): .list(list.map(\.json))
        case .object(let members): .object(members.map { JSON.Member($0.name, $0.node.json) })
        }
    }

    private func put(_ value: some Encodable) throws {
        switch value {
        case let text as String: node = .value(.text(OutsideText(text)))
        case let flag as Bool: node = .value(.bool(flag))
        case let number as Double: node = .value(.number(number))
        case let number as Float: node = .value(.number(Double(number)))
        case let number as any BinaryInteger: node = .value(.integer(Int64(clamping: number)))
        default: try value.encode(to: Writer(tree: self))
        }
    }

    fileprivate func member(_ name: String) -> JSONTree {
        var members: [(name: String, node: JSONTree)] = []
        if case .object(let known) = node { members = known }
        if let known = members.first(where: { $0.name.hasSameBytes(as: name) }) { return known.node }
        let tree = JSONTree()
        node = .object(members + [(name, tree)])
        return tree
    }

    fileprivate func element() -> JSONTree {
        var list: [JSONTree] = []
        if case .list(let known) = node { list = known }
        let tree = JSONTree()
        node = .list(list + [tree])
        return tree
    }

    fileprivate func beginObject() { if case .object = node {} else { node = .object([]) } }
    fileprivate func beginList() { node = .list([]) }

    private struct Writer: Encoder {
        let tree: JSONTree
        var codingPath: [any CodingKey] { [] }
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            tree.beginObject()
            return KeyedEncodingContainer(Members(tree: tree))
        }

        func unkeyedContainer() -> any UnkeyedEncodingContainer {
            tree.beginList()
            return Elements(tree: tree)
        }

        func singleValueContainer() -> any SingleValueEncodingContainer { One(tree: tree) }
    }

    private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let tree: JSONTree
        var codingPath: [any CodingKey] { [] }

        mutating func encodeNil(forKey key: Key) throws { tree.member(key.stringValue).node = .value(.null) }
        mutating func encode(_ value: some Encodable, forKey key: Key) throws { try tree.member(key.stringValue).put(value) }
        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<
            Nested
        > {
            Writer(tree: tree.member(key.stringValue)).container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            Writer(tree: tree.member(key.stringValue)).unkeyedContainer()
        }
        mutating func superEncoder() -> any Encoder { Writer(tree: tree.member("super")) }
        mutating func superEncoder(forKey key: Key) -> any Encoder { Writer(tree: tree.member(key.stringValue)) }
    }

    private struct Elements: UnkeyedEncodingContainer {
        let tree: JSONTree
        var codingPath: [any CodingKey] { [] }
        var count = 0

        init(tree: JSONTree) { self.tree = tree }

        private mutating func next() -> JSONTree {
            count += 1
            return tree.element()
        }

        mutating func encodeNil() throws { next().node = .value(.null) }
        mutating func encode(_ value: some Encodable) throws { try next().put(value) }
        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
            Writer(tree: next()).container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { Writer(tree: next()).unkeyedContainer() }
        mutating func superEncoder() -> any Encoder { Writer(tree: next()) }
    }

    private struct One: SingleValueEncodingContainer {
        let tree: JSONTree
        var codingPath: [any CodingKey] { [] }

        mutating func encodeNil() throws { tree.node = .value(.null) }
        mutating func encode(_ value: some Encodable) throws { try tree.put(value) }
    }
}
