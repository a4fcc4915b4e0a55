import Foundation
import Synchronization

@testable import Lake

/// A store that is no file system: what object stores offer, and no more. It can fail at a chosen operation, as a process that is killed there would leave it.
final class MemoryStorage: Storage {
    struct Killed: Error {}

    private struct State {
        var objects: [String: (bytes: [UInt8], modified: Int64)] = [:]
        var operationsLeft = Int.max
        var operations = 0
    }

    private let state = Mutex(State())

    /// Operations so far that change something.
    var operations: Int { state.withLock { $0.operations } }

    /// After so many changing operations from now on every one fails, as if there were no process any more.
    func kill(after operations: Int) { state.withLock { $0.operationsLeft = operations } }
    func revive() { state.withLock { $0.operationsLeft = .max } }

    private func change(_ body: (inout [String: (bytes: [UInt8], modified: Int64)]) -> Void) throws(LakeError) {
        let isAlive = state.withLock { state in
            guard state.operationsLeft > 0 else { return false }
            state.operationsLeft -= 1
            state.operations += 1
            body(&state.objects)
            return true
        }
        if !isAlive { throw .cannotWrite(path: "", reason: "the process is dead") }
    }

    func location(_ key: String) -> String { "memory:" + key }

    func get(_ key: String) throws(LakeError) -> [UInt8] {
        guard let object = state.withLock({ $0.objects[key] }) else { throw .cannotRead(path: key, reason: "there is none") }
        return object.bytes
    }

    func get(_ key: String, offset: Int, length: Int) throws(LakeError) -> [UInt8] {
        Array(try get(key).dropFirst(offset).prefix(length))
    }

    func exists(_ key: String) throws(LakeError) -> Bool { state.withLock { $0.objects[key] != nil } }
    func size(_ key: String) throws(LakeError) -> Int { try get(key).count }

    func put(_ key: String, _ bytes: [UInt8]) throws(LakeError) {
        try change { $0[key] = (bytes, commitTime()) }
    }

    func putIfAbsent(_ key: String, _ bytes: [UInt8]) throws(LakeError) -> Bool {
        var isNew = false
        try change { objects in
            guard objects[key] == nil else { return }
            objects[key] = (bytes, commitTime())
            isNew = true
        }
        return isNew
    }

    func create(_ key: String) throws(LakeError) -> any ObjectWriter { Writer(storage: self, key: key) }

    func list(_ folder: String) throws(LakeError) -> [StoredObject] {
        let prefix = folder.isEmpty ? "" : folder + "/"
        var found: [String: StoredObject] = [:]
        for (key, object) in state.withLock({ $0.objects }) where key.hasPrefix(prefix) {
            let rest = key.dropFirst(prefix.count)
            if let slash = rest.firstIndex(of: "/") {
                let name = prefix + rest[..<slash]
                found[name] = StoredObject(key: name, sizeInBytes: 0, modified: 0, isFolder: true)
            } else {
                found[key] = StoredObject(key: key, sizeInBytes: object.bytes.count, modified: object.modified, isFolder: false)
            }
        }
        return found.values.sorted { $0.key < $1.key }
    }

    func delete(_ key: String) throws(LakeError) { try change { $0[key] = nil } }

    private final class Writer: ObjectWriter {
        private let storage: MemoryStorage
        private let key: String
        private var bytes: [UInt8] = []

        init(storage: MemoryStorage, key: String) {
            self.storage = storage
            self.key = key
        }

        var offset: Int { bytes.count }

        /// What was written stands there half done, as a killed process leaves it on a file system.
        func write(_ more: Span<UInt8>) throws(LakeError) {
            more.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
            try storage.put(key, bytes)
        }

        func finish() throws(LakeError) { try storage.put(key, bytes) }
        func discard() { try? storage.delete(key) }
    }
}
