/// JSON as a value, in which names are equal when their bytes are: what keeps or sends labels is written and read by it,
/// because Foundation's encoder and decoder take two normal forms of a name for one.
///
/// Source: RFC 8259; §8.3, names are compared code unit by code unit.
public enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case integer(Int64)
    case text(OutsideText)
    case list([JSON])
    /// In the order in which they were written; each name once.
    case object([Member])

    /// One name of an object, and its value.
    public struct Member: Sendable, Equatable {
        /// The name, as it was written.
        public var name: OutsideText
        /// The value under it.
        public var value: JSON

        /// A member of that name.
        public init(_ name: String, _ value: JSON) {
            self.name = OutsideText(name)
            self.value = value
        }
    }

    /// The tree of a value.
    ///
    /// - Throws: what the value's own `encode(to:)` throws.
    public init(_ value: some Encodable) throws { self = try JSONTree.encode(value) }

    /// Reads a whole text.
    ///
    /// - Throws: ``MalformedJSON``.
    public init(parsing bytes: [UInt8]) throws {
        var reader = JSONReader(bytes)
        self = try JSON(&reader)
        try reader.end()
    }

    /// Reads the next value; a text that is not UTF-8 is null.
    public init(_ reader: inout JSONReader) throws {
        switch try reader.kind() {
        case .null, .boolean: self = try reader.boolean().map { .bool($0) } ?? .null
        case .text: self = try reader.text().map { .text(OutsideText($0)) } ?? .null
        case .number:
            let digits = try reader.number()
            self = Int64(digits).map { .integer($0) } ?? .number(Double(digits) ?? .nan)
        case .array:
            var list: [JSON] = []
            try reader.array { reader, _ in list.append(try JSON(&reader)) }
            self = .list(list)
        case .object:
            var members: [Member] = []
            var indices: [OutsideText: Int] = [:]
            try reader.object { reader, name in
                let member = Member(name ?? "\u{FFFD}", try JSON(&reader))
                if let known = indices[member.name] { return members[known] = member }
                indices[member.name] = members.count
                members.append(member)
            }
            self = .object(members)
        }
    }

    /// The value under `name`; nil where there is none, or where this is not an object.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.string.hasSameBytes(as: name) }?.value
    }

    /// The text; nil for any other kind of value.
    public var text: String? { if case .text(let text) = self { text.string } else { nil } }
    /// The number, if it has no fraction and fits; nil for any other kind of value.
    public var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    /// The elements; nil for any other kind of value.
    public var list: [JSON]? { if case .list(let list) = self { list } else { nil } }

    /// The members of an object that are texts.
    public var labels: Labels? {
        guard case .object(let members) = self else { return nil }
        return Labels(members.compactMap { member in member.value.text.map { (member.name.string, $0) } })
    }

    /// Its text, with the names of each object in the order of their bytes, so that the same value is the same text.
    ///
    /// - Parameter isPretty: with line ends and indents, as for people.
    public func bytes(isPretty: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes, isPretty ? 0 : nil)
        return bytes
    }

    private func append(to bytes: inout [UInt8], _ depth: Int?) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += String(number).utf8
        case .number(let number): bytes += JSONText.render(.double(number)).utf8
        case .text(let text): JSONText.append(quoted: text.string, to: &bytes)
        case .list(let list):
            Self.append("[", list, "]", to: &bytes, depth) { element, bytes, depth in element.append(to: &bytes, depth) }
        case .object(let members):
            Self.append("{", members.sorted { $0.name < $1.name }, "}", to: &bytes, depth) { member, bytes, depth in
                JSONText.append(quoted: member.name.string, to: &bytes)
                bytes += (depth == nil ? ":" : " : ").utf8
                member.value.append(to: &bytes, depth)
            }
        }
    }

    private static func append<Element>(
        _ open: String, _ elements: [Element], _ close: String, to bytes: inout [UInt8], _ depth: Int?,
        _ body: (Element, inout [UInt8], Int?) -> Void
    ) {
        func indent(_ depth: Int?, _ bytes: inout [UInt8]) {
            guard let depth else { return }
            bytes.append(10)
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
        }
        bytes += open.utf8
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            indent(depth.map { $0 + 1 }, &bytes)
            body(element, &bytes, depth.map { $0 + 1 })
        }
        // As Foundation writes it, so that what reads the one reads the other: an empty list has an empty line in it.
        if elements.isEmpty, depth != nil { bytes.append(10) }
        indent(depth, &bytes)
        bytes += close.utf8
    }
}

extension JSON: Encodable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Writes the value by any encoder. Foundation's takes two normal forms of a name for one; ``bytes(isPretty:)`` does not.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .list(let list):
            var elements = encoder.unkeyedContainer()
            for element in list { try elements.encode(element) }
        case .object(let members):
            var names = encoder.container(keyedBy: Name.self)
            for member in members { try names.encode(member.value, forKey: Name(member.name.string)) }
        case .null, .bool, .number, .integer, .text:
            var one = encoder.singleValueContainer()
            switch self {
            case .bool(let flag): try one.encode(flag)
            case .number(let number): try one.encode(number)
            case .integer(let number): try one.encode(number)
            case .text(let text): try one.encode(text.string)
            default: try one.encodeNil()
            }
        }
    }
}
