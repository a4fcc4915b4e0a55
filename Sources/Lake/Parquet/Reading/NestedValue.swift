import Columns

/// A value of a nested column; for cold paths: the log's checkpoints, and columns that others wrote.
indirect enum NestedValue: Sendable, Equatable {
    case null
    case single(Value)
    case list([NestedValue])
    case structure([(name: String, value: NestedValue)])
    /// Keys are whatever they are; most are texts.
    case map([(key: NestedValue, value: NestedValue)])

    static func == (left: NestedValue, right: NestedValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.single(let a), .single(let b)): a == b
        case (.list(let a), .list(let b)): a == b
        case (.structure(let a), .structure(let b)): a.elementsEqual(b) { $0.name == $1.name && $0.value == $1.value }
        case (.map(let a), .map(let b)): a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
        default: false
        }
    }

    /// The member of a structure, null when it has none of that name.
    subscript(_ name: String) -> NestedValue {
        guard case .structure(let members) = self else { return .null }
        return members.first { $0.name == name }?.value ?? .null
    }

    /// One JSON text; a map whose keys are texts is an object, another one a list of pairs.
    var json: String {
        switch self {
        case .null: return "null"
        case .single(let value): return JSONText.render(value)
        case .list(let all): return "[" + all.map(\.json).joined(separator: ",") + "]"
        case .structure(let members):
            return "{" + members.map { JSONText.quote($0.name) + ":" + $0.value.json }.joined(separator: ",") + "}"
        case .map(let pairs):
            let texts = pairs.compactMap { pair in if case .single(.text(let text)) = pair.key { text } else { nil } }
            if texts.count == pairs.count {
                return "{" + zip(texts, pairs).map { JSONText.quote($0) + ":" + $1.value.json }.joined(separator: ",") + "}"
            }
            return "[" + pairs.map { "{\"key\":\($0.key.json),\"value\":\($0.value.json)}" }.joined(separator: ",") + "]"
        }
    }
}

/// Puts the rows of one top column together from the levels of its leaves.
///
/// Each leaf has an entry for each of its values and for each place where the way to a value ends early. The leaves below one
/// node have the same entries as far as that node goes, so the first leaf tells for all whether a group is null or a list goes
/// on; each leaf is then moved on by what was taken. Entries that do not agree are damage.
struct NestedAssembly {
    struct Leaf {
        var definitions: [UInt32]
        var repetitions: [UInt32]
        /// The values that are there.
        var values: Column
        var type: ColumnType
        var next = 0
        var nextValue = 0
    }

    private let node: ParquetNode
    private var leaves: [Leaf]

    /// - Parameter leaves: those below `node`, in their order.
    init(_ node: ParquetNode, leaves: [Leaf]) {
        self.node = node
        self.leaves = leaves
    }

    mutating func rows(_ count: Int) throws(DamagedPage) -> [NestedValue] {
        var rows: [NestedValue] = []
        rows.reserveCapacity(count)
        for _ in 0..<count {
            for index in leaves.indices {
                guard try entry(index).repetition == 0 else { throw DamagedPage("a row begins in the middle of a list") }
            }
            rows.append(try value(node))
        }
        for leaf in leaves where leaf.next != leaf.definitions.count { throw DamagedPage("more values than rows") }
        return rows
    }

    private func entry(_ leaf: Int) throws(DamagedPage) -> (definition: Int, repetition: Int) {
        let at = leaves[leaf].next
        guard at < leaves[leaf].definitions.count else { throw DamagedPage("fewer values than rows") }
        return (Int(leaves[leaf].definitions[at]), leaves[leaf].repetitions.isEmpty ? 0 : Int(leaves[leaf].repetitions[at]))
    }

    private func first(_ node: ParquetNode) -> Int { node.leaves.lowerBound - self.node.leaves.lowerBound }

    /// Moves every leaf below `node` over the entry that says that there is nothing.
    private mutating func skip(_ node: ParquetNode) throws(DamagedPage) {
        for leaf in node.leaves {
            let index = leaf - self.node.leaves.lowerBound
            guard try entry(index).definition < node.maxDefinition else { throw DamagedPage("levels that contradict each other") }
            leaves[index].next += 1
        }
    }

    private mutating func value(_ node: ParquetNode) throws(DamagedPage) -> NestedValue {
        guard !node.leaves.isEmpty else { return .structure([]) }
        guard node.repetition == .repeated else { return try single(node) }
        guard try entry(first(node)).definition >= node.maxDefinition else {
            try skip(node)
            return .list([])
        }
        var elements: [NestedValue] = []
        repeat {
            elements.append(try single(node))
            let index = first(node)
            guard leaves[index].next < leaves[index].definitions.count else { break }
        } while try entry(first(node)).repetition == node.maxRepetition
        return .list(elements)
    }

    /// One value of a node: of a repeated one, one element.
    private mutating func single(_ node: ParquetNode) throws(DamagedPage) -> NestedValue {
        guard try entry(first(node)).definition >= node.maxDefinition else {
            try skip(node)
            return .null
        }
        if node.type != nil {
            let index = first(node)
            leaves[index].next += 1
            let at = leaves[index].nextValue
            guard at < leaves[index].values.count else { throw DamagedPage("fewer values than rows") }
            leaves[index].nextValue += 1
            return .single(leaves[index].values.value(at: at, as: leaves[index].type))
        }
        var members: [(name: String, value: NestedValue)] = []
        for child in node.children { members.append((child.name, try value(child))) }
        return Self.unwrapped(node, members)
    }

    /// A list or a map without the groups that Parquet writes around its elements.
    ///
    /// Source: Apache Parquet, LogicalTypes.md, "Lists", "Maps" and their rules for old writers.
    private static func unwrapped(_ node: ParquetNode, _ members: [(name: String, value: NestedValue)]) -> NestedValue {
        guard members.count == 1, let repeated = node.children.first, repeated.repetition == .repeated,
            case .list(let elements) = members[0].value
        else { return .structure(members) }
        switch node.annotation {
        case .none: return .structure(members)
        case .list:
            let isElement =
                repeated.type != nil || repeated.children.count != 1 || repeated.annotation != .none
                || repeated.name == "array" || repeated.name == node.name + "_tuple"
            if isElement { return .list(elements) }
            return .list(elements.map { $0[repeated.children[0].name] })
        case .map:
            guard let key = repeated.children.first else { return .structure(members) }
            // Without values it is a set of its keys.
            guard repeated.children.count > 1 else { return .list(elements.map { $0[key.name] }) }
            return .map(elements.map { ($0[key.name], $0[repeated.children[1].name]) })
        }
    }
}
