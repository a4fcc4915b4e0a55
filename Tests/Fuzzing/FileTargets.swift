import Columns
import Foundation

@testable import Lake

extension FuzzTarget {
    /// Files that others wrote.
    static let files: [FuzzTarget] = [
        FuzzTarget("parquet", bytes: [parquet]) { bytes in
            guard let reader = try? ParquetReader(OneObject(bytes), "x") else { return }
            for group in 0..<reader.rowGroupCount {
                _ = try? reader.read(rowGroup: group, columns: reader.schema.fields.map(\.name))
            }
        },
        FuzzTarget("checkpoint", bytes: [parquet]) { _ = try? LogCheckpoint.actions(OneObject($0), "x") },
    ]

    /// A small file of our own writer's.
    private static let parquet: [UInt8] = {
        let folder = NSTemporaryDirectory() + "/obs-fuzz-\(ProcessInfo.processInfo.processIdentifier)-lake"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let schema = Schema([Field("n", .int64), Field("t", .text, isNullable: true), Field("d", .double)])
        let table = try! Lake(root: folder).table("silver.x", creating: schema)
        let rows: [[Value]] = (0..<40).map {
            [.int(Int64($0)), $0 % 5 == 0 ? .null : .text("v\($0 % 7)"), .double(Double($0) / 4)]
        }
        let writer = table.writer()
        try! writer.append(try! Batch(schema: schema, rows: rows))
        try! table.commit(adding: writer.finish())
        return [UInt8](FileManager.default.contents(atPath: folder + "/silver/x/" + table.files[0].path)!)
    }()
}

/// A storage that holds one object, for reading.
private struct OneObject: Storage {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func get(_ key: String) throws(LakeError) -> [UInt8] { bytes }
    func get(_ key: String, offset: Int, length: Int) throws(LakeError) -> [UInt8] {
        Array(bytes[min(offset, bytes.count)..<min(offset + length, bytes.count)])
    }
    func exists(_ key: String) throws(LakeError) -> Bool { true }
    func size(_ key: String) throws(LakeError) -> Int { bytes.count }
    func put(_ key: String, _ bytes: [UInt8]) throws(LakeError) { throw .cannotWrite(path: key, reason: "it is for reading") }
    func putIfAbsent(_ key: String, _ bytes: [UInt8]) throws(LakeError) -> Bool {
        throw .cannotWrite(path: key, reason: "it is for reading")
    }
    func create(_ key: String) throws(LakeError) -> any ObjectWriter {
        throw .cannotWrite(path: key, reason: "it is for reading")
    }
    func list(_ folder: String) throws(LakeError) -> [StoredObject] { [] }
    func delete(_ key: String) throws(LakeError) {}
    func location(_ key: String) -> String { key }
}
