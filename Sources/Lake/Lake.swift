import Columns
import Foundation

/// The tables below one folder: `silver.ssh` is the table in `silver/ssh`.
public struct Lake: Sendable {
    public let root: String

    public init(root: String) {
        self.root = root
    }

    /// Opens a table that is there.
    public func table(_ name: String) throws(LakeError) -> DeltaTable {
        try DeltaTable(name: name, storage: try storage(of: name), creating: nil)
    }

    /// Opens a table, or makes it with these columns.
    public func table(_ name: String, creating schema: Schema) throws(LakeError) -> DeltaTable {
        try DeltaTable(name: name, storage: try storage(of: name), creating: schema)
    }

    /// The names of all tables, sorted.
    public func tables() throws(LakeError) -> [String] {
        let storage = LocalStorage(root: root)
        var names: [String] = []
        for layer in try storage.list("") {
            for key in try storage.list(layer) where FileManager.default.fileExists(atPath: storage.path(key) + "/_delta_log") {
                names.append(key.replacing("/", with: "."))
            }
        }
        return names
    }

    private func storage(of name: String) throws(LakeError) -> LocalStorage {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        // A name comes from a command line or a URL: it must not lead out of the lake.
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0.isNameByte } }) else {
            throw .noTable(name)
        }
        return LocalStorage(root: "\(root)/\(parts[0])/\(parts[1])")
    }
}

extension UInt8 {
    fileprivate var isNameByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
