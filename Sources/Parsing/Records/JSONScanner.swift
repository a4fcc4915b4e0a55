import Columns

/// Walks over one JSON text, checks all of it, and sets the values that a ``PathTree`` asks for. Other values are checked and
/// passed over.
struct JSONScanner {
    private var cursor = JSONCursor()
    /// The first column whose value could not be read as its type.
    private(set) var badColumn: Int?

    /// Reads an object that is all of the text; its values that `tree` asks for are set in `record`.
    mutating func readObject(_ text: Span<UInt8>, _ tree: PathTree, into record: inout RecordColumns) throws(MalformedJSON) {
        cursor.skipBlanks(text)
        guard cursor.position < text.count, text[cursor.position] == UInt8(ascii: "{") else {
            throw cursor.malformed("a '{' is missing")
        }
        try object(text, node: 0, tree, &record, depth: 1)
        cursor.skipBlanks(text)
        guard cursor.position == text.count else { throw cursor.malformed("something follows") }
    }

    private mutating func object(_ text: Span<UInt8>, node: Int?, _ tree: PathTree, _ record: inout RecordColumns, depth: Int)
        throws(MalformedJSON)
    {
        guard depth <= JSONCursor.maxDepth else { throw cursor.malformed("more than \(JSONCursor.maxDepth) levels are nested") }
        cursor.position += 1
        cursor.skipBlanks(text)
        if cursor.take(text, UInt8(ascii: "}")) { return }
        while true {
            cursor.skipBlanks(text)
            let key = try cursor.text(text)
            cursor.skipBlanks(text)
            guard cursor.take(text, UInt8(ascii: ":")) else { throw cursor.malformed("a ':' is missing") }
            cursor.skipBlanks(text)
            var child: Int?
            if let node, !tree.children[node].isEmpty {
                if key.hasEscape {
                    let plain = JSONCursor.unescaped(text, key.range)
                    child = tree.child(of: node, plain.span)
                } else {
                    child = tree.child(of: node, text.extracting(key.range))
                }
            }
            try value(text, node: child, tree, &record, depth: depth)
            cursor.skipBlanks(text)
            if cursor.take(text, UInt8(ascii: ",")) { continue }
            guard cursor.take(text, UInt8(ascii: "}")) else { throw cursor.malformed("a ',' or '}' is missing") }
            return
        }
    }

    private mutating func array(_ text: Span<UInt8>, node: Int?, _ tree: PathTree, _ record: inout RecordColumns, depth: Int)
        throws(MalformedJSON)
    {
        guard depth <= JSONCursor.maxDepth else { throw cursor.malformed("more than \(JSONCursor.maxDepth) levels are nested") }
        cursor.position += 1
        cursor.skipBlanks(text)
        if cursor.take(text, UInt8(ascii: "]")) { return }
        var index = 0
        while true {
            cursor.skipBlanks(text)
            var child: Int?
            if let node, !tree.children[node].isEmpty {
                let key = Array(String(index).utf8)
                child = tree.child(of: node, key.span)
            }
            try value(text, node: child, tree, &record, depth: depth)
            index += 1
            cursor.skipBlanks(text)
            if cursor.take(text, UInt8(ascii: ",")) { continue }
            guard cursor.take(text, UInt8(ascii: "]")) else { throw cursor.malformed("a ',' or ']' is missing") }
            return
        }
    }

    private mutating func value(_ text: Span<UInt8>, node: Int?, _ tree: PathTree, _ record: inout RecordColumns, depth: Int)
        throws(MalformedJSON)
    {
        guard cursor.position < text.count else { throw cursor.malformed("the text ends too early") }
        let column = node.flatMap { tree.columns[$0] }
        let start = cursor.position
        var isRead = true
        switch text[cursor.position] {
        case UInt8(ascii: "\""):
            let found = try cursor.text(text)
            if let column {
                if found.hasEscape {
                    let from = record.scratch.count
                    JSONCursor.unescape(text, found.range) { record.append($0) }
                    isRead = record.set(column, scratchFrom: from)
                } else {
                    isRead = record.set(column, text: text.extracting(found.range))
                }
            }
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            if text[cursor.position] == UInt8(ascii: "{") {
                try object(text, node: node, tree, &record, depth: depth + 1)
            } else {
                try array(text, node: node, tree, &record, depth: depth + 1)
            }
            // A text column takes an object or a list as it is written.
            if let column { isRead = record.isText(column) && record.set(column, text: text.extracting(start..<cursor.position)) }
        case UInt8(ascii: "t"):
            try cursor.literal(text, "true")
            if let column { isRead = record.set(column, bool: true) }
        case UInt8(ascii: "f"):
            try cursor.literal(text, "false")
            if let column { isRead = record.set(column, bool: false) }
        case UInt8(ascii: "n"):
            try cursor.literal(text, "null")
        default:
            _ = try cursor.number(text)
            if let column { isRead = record.set(column, number: text.extracting(start..<cursor.position)) }
        }
        if !isRead, badColumn == nil { badColumn = column }
    }
}
