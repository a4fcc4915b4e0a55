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
