import Columns

/// A column of a Parquet file, or a group of columns: the tree that the footer's flat list of elements stands for.
///
///     schema
///       time      required int64                 definition ≤ 0, repetition ≤ 0
///       tags      optional group (LIST)          definition ≤ 1
///         list      repeated group               definition ≤ 2, repetition ≤ 1
///           element   optional text              definition ≤ 3, repetition ≤ 1
///
/// The definition level of a stored value says how far down its path something is there, the repetition level at which list a
/// new element begins.
///
/// Source: Apache Parquet, parquet.thrift and LogicalTypes.md; the levels: Melnik et al., "Dremel", VLDB 2010.
struct ParquetNode: Sendable {
    enum Repetition: Int32, Sendable {
        case required = 0, optional = 1, repeated = 2
    }

    enum Unit: Int64, Sendable {
        case milliseconds = 1000, microseconds = 1_000_000, nanoseconds = 1_000_000_000
    }

    /// What the bytes of a leaf mean.
    enum Meaning: Sendable, Equatable {
        case asStored
        case text
        case date
        case timestamp(Unit)
        case timeOfDay(Unit)
        case decimal(scale: Int)
        case unsigned
        case float16
        case uuid
        /// All values are null.
        case nothing
    }

    enum Annotation: Sendable, Equatable {
        case none, list, map
    }

    var name: String
    var repetition: Repetition
    /// Nil for a group.
    var type: ParquetFormat.PhysicalType?
    /// Of values of fixed length, in bytes.
    var length = 0
    var meaning = Meaning.asStored
    var annotation = Annotation.none
    var children: [ParquetNode] = []
    var maxDefinition = 0
    var maxRepetition = 0
    /// Which of the file's leaves are below this node.
    var leaves = 0..<0

    /// Whether the node is one column of single values.
    var isFlat: Bool { type != nil && maxRepetition == 0 && maxDefinition <= 1 }

    /// The node with levels and leaf numbers set, all the way down.
    func placed(definition: Int = 0, repetition: Int = 0, leaf: inout Int) -> ParquetNode {
        var node = self
        node.maxDefinition = definition + (self.repetition == .required ? 0 : 1)
        node.maxRepetition = repetition + (self.repetition == .repeated ? 1 : 0)
        let first = leaf
        if type != nil { leaf += 1 }
        node.children = children.map {
            $0.placed(definition: node.maxDefinition, repetition: node.maxRepetition, leaf: &leaf)
        }
        node.leaves = first..<leaf
        return node
    }

    /// The leaves in the order of the file, each with the names on the way to it.
    func allLeaves(below path: [String] = []) -> [(path: [String], node: ParquetNode)] {
        if type != nil { return [(path + [name], self)] }
        return children.flatMap { $0.allLeaves(below: path + [name]) }
    }

    /// All nodes below this one, each before its children: the order of the footer.
    var descendants: [ParquetNode] { children.flatMap { [$0] + $0.descendants } }

    /// The type that a batch has for this column: a nested one comes as the text of its JSON.
    var columnType: ColumnType { isFlat ? valueType : .text }

    /// The type of a leaf's single values: a decimal comes as its digits, a UUID and a time of day as their texts.
    var valueType: ColumnType {
        switch (meaning, type) {
        case (.date, _): .date
        case (.timestamp, _), (_, .int96): .timestamp
        case (.decimal, _), (.uuid, _), (.text, _), (.timeOfDay, _): .text
        case (.float16, _): .float
        case (.unsigned, _), (_, .int64): .int64
        case (_, .boolean): .bool
        case (_, .int32): .int32
        case (_, .float): .float
        case (_, .double): .double
        case (_, .byteArray), (_, .fixedLengthByteArray), (_, nil): .binary
        }
    }
}

// MARK: Trees that are written

extension ParquetNode {
    /// The root of a file with these children.
    static func root(_ children: [ParquetNode]) -> ParquetNode {
        var leaf = 0
        return ParquetNode(name: "", repetition: .required, children: children).placed(leaf: &leaf)
    }

    static func root(_ schema: Schema) -> ParquetNode {
        root(schema.fields.map { leaf($0.name, $0.type, isNullable: $0.isNullable) })
    }

    static func leaf(_ name: String, _ type: ColumnType, isNullable: Bool = true) -> ParquetNode {
        let meaning: Meaning =
            switch type {
            case .text: .text
            case .date: .date
            case .timestamp: .timestamp(.microseconds)
            default: .asStored
            }
        return ParquetNode(
            name: name, repetition: isNullable ? .optional : .required, type: ParquetFormat.physicalType(type), meaning: meaning)
    }

    static func group(_ name: String, _ children: [ParquetNode]) -> ParquetNode {
        ParquetNode(name: name, repetition: .optional, children: children)
    }

    /// A list of texts.
    static func texts(_ name: String) -> ParquetNode {
        let list = ParquetNode(name: "list", repetition: .repeated, children: [leaf("element", .text)])
        return ParquetNode(name: name, repetition: .optional, annotation: .list, children: [list])
    }

    /// A map from texts to texts or null.
    static func textMap(_ name: String) -> ParquetNode {
        let pairs = ParquetNode(
            name: "key_value", repetition: .repeated, children: [leaf("key", .text, isNullable: false), leaf("value", .text)])
        return ParquetNode(name: name, repetition: .optional, annotation: .map, children: [pairs])
    }
}
