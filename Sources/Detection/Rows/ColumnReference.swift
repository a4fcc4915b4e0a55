import Columns

/// A column as a rule names it: `source`, or `net(source)` for the network of the address that is in it.
public struct ColumnReference: Sendable, Hashable, CustomStringConvertible {
    /// Its name in the table.
    public let column: String
    /// Whether the value is the /24 of an IPv4 address, the /64 of an IPv6 address; any other text stays as it is.
    public let isNetwork: Bool

    init(_ column: String, isNetwork: Bool = false) {
        self.column = column
        self.isNetwork = isNetwork
    }

    /// Why a text names no column.
    struct Malformed: Error, CustomStringConvertible {
        let text: String
        var description: String {
            "'\(text)' names no column; write the name of a column, or net(COLUMN) for the network of an address"
        }
    }

    init(parsing text: String) throws(Malformed) {
        let isNetwork = text.hasPrefix("net(") && text.hasSuffix(")")
        let name = isNetwork ? String(text.dropFirst(4).dropLast()) : text
        guard !name.isEmpty,
            name.utf8.allSatisfy({ $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: ")") && $0 != UInt8(ascii: " ") })
        else { throw Malformed(text: text) }
        self.init(name, isNetwork: isNetwork)
    }

    /// The name of its value among the labels of a finding and in titles: `source_net` for `net(source)`.
    public var label: String { isNetwork ? column + "_net" : column }

    /// As it is written: `source` or `net(source)`.
    public var description: String { isNetwork ? "net(\(column))" : column }
}

extension Column {
    /// The network of each address in a column of texts; what is not an address stays as it is. Each distinct text is looked at
    /// once.
    func networks() -> Column {
        var builder = DictionaryBuilder()
        builder.reserveCapacity(count)
        func code(_ bytes: Span<UInt8>) -> UInt32 {
            guard let address = IPAddress(bytes) else { return builder.code(of: bytes) }
            return builder.code(utf8: IPNetwork(around: address).description)
        }
        var known: [UInt32?] = []
        if case .dictionary(let values) = values { known = Array(repeating: nil, count: values.dictionary.count) }
        for row in 0..<count {
            guard !isNull(at: row) else {
                builder.appendNull()
                continue
            }
            guard case .dictionary(let values) = values else {
                let number = withBytes(at: row) { code($0) }
                builder.append(code: number)
                continue
            }
            let old = Int(values.codes[range.lowerBound + row])
            let number = known[old] ?? code(values.dictionary[old])
            known[old] = number
            builder.append(code: number)
        }
        return builder.finish()
    }
}
