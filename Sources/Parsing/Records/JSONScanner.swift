import Columns

/// The keys that a definition asks for, as a tree: `timing.total` and `timing.queue` share their first step.
struct PathTree: Sendable {
    private(set) var children: [[(key: [UInt8], node: Int)]] = [[]]
    /// By node the declared column that ends there.
    private(set) var columns: [Int?] = [nil]

    /// A dot parts keys; `\.` is a dot in a key.
    init(_ paths: [String]) {
        for (column, path) in paths.enumerated() {
            var node = 0
            for key in Self.keys(path) {
                if let known = children[node].first(where: { $0.key == key }) {
                    node = known.node
                } else {
                    children.append([])
                    columns.append(nil)
                    children[node].append((key, children.count - 1))
                    node = children.count - 1
                }
            }
            columns[node] = column
        }
    }

    static func keys(_ path: String) -> [[UInt8]] {
        var keys: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in path.utf8 {
            if isEscaped {
                keys[keys.count - 1].append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: ".") {
                keys.append([])
            } else {
                keys[keys.count - 1].append(byte)
            }
        }
        return keys
    }

    func child(of node: Int, _ key: Span<UInt8>) -> Int? {
        for (name, child) in children[node] where key.isEqual(to: name.span) { return child }
        return nil
    }
}

/// Walks over one JSON text, checks all of it, and hands over the values that a ``PathTree`` asks for. It makes no value that nobody asked for.
///
/// Source: RFC 8259. Nesting is bounded, because the walk is recursive and the text is an outsider's.
struct JSONScanner {
    static let maxDepth = 64

    /// What is wrong with the text.
    enum Failure: Error { case malformed }

    private var at = 0
    private(set) var badColumn: Int?

    /// Reads an object that is all of the text; its values that `tree` asks for are set in `record`.
    mutating func readObject(_ text: Span<UInt8>, _ tree: PathTree, into record: inout RecordColumns) throws(Failure) {
        skipBlanks(text)
        guard at < text.count, text[at] == UInt8(ascii: "{") else { throw .malformed }
        try object(text, node: 0, tree, &record, depth: 1)
        skipBlanks(text)
        guard at == text.count else { throw .malformed }
    }

    private mutating func object(_ text: Span<UInt8>, node: Int?, _ tree: PathTree, _ record: inout RecordColumns, depth: Int)
        throws(Failure)
    {
        guard depth <= Self.maxDepth else { throw .malformed }
        at += 1
        skipBlanks(text)
        if take(text, UInt8(ascii: "}")) { return }
        while true {
            skipBlanks(text)
            let key = try string(text)
            skipBlanks(text)
            guard take(text, UInt8(ascii: ":")) else { throw .malformed }
            skipBlanks(text)
            var child: Int?
            if let node, !tree.children[node].isEmpty {
                if key.hasEscape {
                    let plain = unescaped(text, key.range)
                    child = tree.child(of: node, plain.span)
                } else {
                    child = tree.child(of: node, text.extracting(key.range))
                }
            }
            try value(text, node: child, tree, &record, depth: depth)
            skipBlanks(text)
            if take(text, UInt8(ascii: ",")) { continue }
            guard take(text, UInt8(ascii: "}")) else { throw .malformed }
            return
        }
    }

    private mutating func array(_ text: Span<UInt8>, node: Int?, _ tree: PathTree, _ record: inout RecordColumns, depth: Int)
        throws(Failure)
    {
        guard depth <= Self.maxDepth else { throw .malformed }
        at += 1
        skipBlanks(text)
        if take(text, UInt8(ascii: "]")) { return }
        var index = 0
        while true {
            skipBlanks(text)
            var child: Int?
            if let node, !tree.children[node].isEmpty {
                let key = Array(String(index).utf8)
                child = tree.child(of: node, key.span)
            }
            try value(text, node: child, tree, &record, depth: depth)
            index += 1
            skipBlanks(text)
            if take(text, UInt8(ascii: ",")) { continue }
            guard take(text, UInt8(ascii: "]")) else { throw .malformed }
            return
        }
    }

    private mutating func value(_ text: Span<UInt8>, node: Int?, _ tree: PathTree, _ record: inout RecordColumns, depth: Int)
        throws(Failure)
    {
        guard at < text.count else { throw .malformed }
        let column = node.flatMap { tree.columns[$0] }
        let start = at
        var isRead = true
        switch text[at] {
        case UInt8(ascii: "\""):
            let found = try string(text)
            if let column {
                if found.hasEscape {
                    let from = record.scratch.count
                    appendUnescaped(text, found.range) { record.append($0) }
                    isRead = record.set(column, scratchFrom: from)
                } else {
                    isRead = record.set(column, text: text.extracting(found.range))
                }
            }
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            if text[at] == UInt8(ascii: "{") {
                try object(text, node: node, tree, &record, depth: depth + 1)
            } else {
                try array(text, node: node, tree, &record, depth: depth + 1)
            }
            // A text column takes an object or a list as it is written.
            if let column { isRead = record.isText(column) && record.set(column, text: text.extracting(start..<at)) }
        case UInt8(ascii: "t"):
            try literal(text, "true")
            if let column { isRead = record.set(column, bool: true) }
        case UInt8(ascii: "f"):
            try literal(text, "false")
            if let column { isRead = record.set(column, bool: false) }
        case UInt8(ascii: "n"):
            try literal(text, "null")
        default:
            try number(text)
            if let column { isRead = record.set(column, number: text.extracting(start..<at)) }
        }
        if !isRead, badColumn == nil { badColumn = column }
    }

    private mutating func literal(_ text: Span<UInt8>, _ word: StaticString) throws(Failure) {
        guard at + word.utf8CodeUnitCount <= text.count,
            text.extracting(at..<(at + word.utf8CodeUnitCount)).isEqual(to: word)
        else { throw .malformed }
        at += word.utf8CodeUnitCount
    }

    private mutating func number(_ text: Span<UInt8>) throws(Failure) {
        _ = take(text, UInt8(ascii: "-"))
        let start = at
        while at < text.count, text[at].isDigit { at += 1 }
        guard at > start, at - start == 1 || text[start] != UInt8(ascii: "0") else { throw .malformed }
        if take(text, UInt8(ascii: ".")) {
            let fraction = at
            while at < text.count, text[at].isDigit { at += 1 }
            guard at > fraction else { throw .malformed }
        }
        if take(text, UInt8(ascii: "e")) || take(text, UInt8(ascii: "E")) {
            if !take(text, UInt8(ascii: "+")) { _ = take(text, UInt8(ascii: "-")) }
            let exponent = at
            while at < text.count, text[at].isDigit { at += 1 }
            guard at > exponent else { throw .malformed }
        }
    }

    /// The range between the quotes, and whether there is a backslash in it.
    private mutating func string(_ text: Span<UInt8>) throws(Failure) -> (range: Range<Int>, hasEscape: Bool) {
        guard take(text, UInt8(ascii: "\"")) else { throw .malformed }
        let start = at
        var hasEscape = false
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return (start..<(at - 1), hasEscape)
            }
            guard byte >= 0x20 else { throw .malformed }
            if byte == UInt8(ascii: "\\") {
                hasEscape = true
                try escape(text)
            } else {
                at += 1
            }
        }
        throw .malformed
    }

    private mutating func escape(_ text: Span<UInt8>) throws(Failure) {
        guard at + 1 < text.count else { throw .malformed }
        switch text[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            guard at + 6 <= text.count else { throw .malformed }
            for index in (at + 2)..<(at + 6) where text[index].hexValue == nil { throw .malformed }
            at += 6
        default: throw .malformed
        }
    }

    private func unescaped(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        appendUnescaped(text, range) { bytes.append($0) }
        return bytes
    }

    /// The bytes of a string that ``string()`` has found to be well formed. Half a surrogate pair is U+FFFD.
    private func appendUnescaped(_ text: Span<UInt8>, _ range: Range<Int>, _ append: (UInt8) -> Void) {
        var index = range.lowerBound
        func unit(_ text: Span<UInt8>, _ start: Int) -> UInt32 {
            (0..<4).reduce(UInt32(0)) { $0 << 4 | UInt32(text[start + $1].hexValue ?? 0) }
        }
        while index < range.upperBound {
            guard text[index] == UInt8(ascii: "\\") else {
                append(text[index])
                index += 1
                continue
            }
            let kind = text[index + 1]
            index += 2
            switch kind {
            case UInt8(ascii: "b"): append(8)
            case UInt8(ascii: "f"): append(12)
            case UInt8(ascii: "n"): append(10)
            case UInt8(ascii: "r"): append(13)
            case UInt8(ascii: "t"): append(9)
            case UInt8(ascii: "u"):
                var code = unit(text, index)
                index += 4
                if (0xD800..<0xDC00).contains(code), index + 6 <= range.upperBound, text[index] == UInt8(ascii: "\\"),
                    text[index + 1] == UInt8(ascii: "u"), (0xDC00..<0xE000).contains(unit(text, index + 2))
                {
                    code = 0x10000 + (code - 0xD800) << 10 + (unit(text, index + 2) - 0xDC00)
                    index += 6
                }
                for byte in String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8 { append(byte) }
            default: append(kind)
            }
        }
    }

    private mutating func skipBlanks(_ text: Span<UInt8>) {
        while at < text.count {
            switch text[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }

    private mutating func take(_ text: Span<UInt8>, _ byte: UInt8) -> Bool {
        guard at < text.count, text[at] == byte else { return false }
        at += 1
        return true
    }
}

extension UInt8 {
    /// The value of a hexadecimal digit.
    var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
