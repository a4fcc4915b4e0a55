import Columns
import Foundation

/// Where tables lie: exactly the operations that object stores have, so that another store is another conformer and nothing
/// else changes.
///
/// Keys are paths with `/`, relative to the store's root. Every method may be called from any thread and blocks it.
protocol Storage: Sendable {
    /// All bytes of an object.
    func get(_ key: String) throws(LakeError) -> [UInt8]
    /// `length` bytes from `offset`; fewer if the object ends before.
    func get(_ key: String, offset: Int, length: Int) throws(LakeError) -> [UInt8]
    func exists(_ key: String) throws(LakeError) -> Bool
    func size(_ key: String) throws(LakeError) -> Int
    /// Writes an object whole: it is durable when this returns, and no reader sees a part of it.
    func put(_ key: String, _ bytes: [UInt8]) throws(LakeError)
    /// The same if there is no such object, else false: of several callers one gets true.
    func putIfAbsent(_ key: String, _ bytes: [UInt8]) throws(LakeError) -> Bool
    /// Begins an object that is written in parts.
    func create(_ key: String) throws(LakeError) -> any ObjectWriter
    /// What lies directly below `folder` (the empty text is the root), by key; empty when there is no such folder.
    func list(_ folder: String) throws(LakeError) -> [StoredObject]
    /// Removes an object; nothing happens when it is not there.
    func delete(_ key: String) throws(LakeError)
    /// How people find an object of this store: its path or URL.
    func location(_ key: String) -> String
}

/// An entry of a listing.
struct StoredObject: Sendable, Equatable {
    /// Relative to the root of the storage, with `/` between folders.
    let key: String
    /// 0 for a folder.
    let sizeInBytes: Int
    /// Milliseconds since 1970.
    let modified: Int64
    /// Keys begin with this one; it is not an object itself.
    let isFolder: Bool

    /// An object as a listing shows it.
    init(key: String, sizeInBytes: Int, modified: Int64, isFolder: Bool) {
        self.key = key
        self.sizeInBytes = sizeInBytes
        self.modified = modified
        self.isFolder = isFolder
    }

    /// The last part of the key.
    var name: Substring { key[(key.lastIndex(of: "/").map(key.index(after:)) ?? key.startIndex)...] }
}

/// A new object that is written from its start to its end; used by one task at a time.
protocol ObjectWriter: AnyObject {
    /// The bytes written so far.
    var offset: Int { get }
    func write(_ bytes: Span<UInt8>) throws(LakeError)
    /// Ends the object; it is durable, under its key, when this returns.
    func finish() throws(LakeError)
    /// Removes an object that will not be finished.
    func discard()
}

/// The local file system below one folder.
struct LocalStorage: Storage {
    /// The folder that holds the objects.
    let root: String

    /// The storage in a folder.
    init(root: String) {
        self.root = root
    }

    /// The path of the file.
    func location(_ key: String) -> String { path(key) }

    func path(_ key: String) -> String { key.isEmpty ? root : root + "/" + key }

    /// The whole file.
    func get(_ key: String) throws(LakeError) -> [UInt8] {
        try get(key, offset: 0, length: try size(key))
    }

    /// A part of the file.
    func get(_ key: String, offset: Int, length: Int) throws(LakeError) -> [UInt8] {
        let descriptor = try openForReading(key)
        defer { close(descriptor) }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            // Safe because each read is limited to the room that is left.
            while count < length {
                let read = pread(descriptor, buffer.baseAddress! + count, length - count, off_t(offset + count))
                if read < 0, errno == EINTR { continue }
                if read < 0 { failed = true }
                if read <= 0 { break }
                count += read
            }
        }
        if failed { throw .cannotRead(path: path(key), reason: String(cString: strerror(errno))) }
        return bytes
    }

    /// Whether there is such a file.
    func exists(_ key: String) throws(LakeError) -> Bool {
        if access(path(key), F_OK) == 0 { return true }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw .cannotRead(path: path(key), reason: String(cString: strerror(errno)))
    }

    /// The size of the file.
    func size(_ key: String) throws(LakeError) -> Int {
        var information = stat()
        guard stat(path(key), &information) == 0 else {
            throw .cannotRead(path: path(key), reason: String(cString: strerror(errno)))
        }
        return Int(information.st_size)
    }

    /// Writes the file under another name, syncs it and renames it.
    func put(_ key: String, _ bytes: [UInt8]) throws(LakeError) {
        let temporary = try writeTemporary(key, bytes)
        guard rename(temporary, path(key)) == 0 else { throw failure(key) }
        try syncFolder(of: key)
    }

    /// The same by a link, which fails when the name is taken.
    func putIfAbsent(_ key: String, _ bytes: [UInt8]) throws(LakeError) -> Bool {
        let temporary = try writeTemporary(key, bytes)
        defer { unlink(temporary) }
        // A link fails when the name is taken, on every file system; a plain rename would replace what another process has put
        // there.
        if link(temporary, path(key)) != 0 {
            if errno == EEXIST { return false }
            throw failure(key)
        }
        try syncFolder(of: key)
        return true
    }

    /// The files whose keys begin with `prefix`, sorted; folders too.
    func list(_ prefix: String) throws(LakeError) -> [StoredObject] {
        guard let folder = opendir(path(prefix)) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw .cannotRead(path: path(prefix), reason: String(cString: strerror(errno)))
        }
        defer { closedir(folder) }
        var objects: [StoredObject] = []
        while true {
            // At the end of the folder and after an error there is no entry: only errno tells one from the other.
            errno = 0
            guard let entry = readdir(folder) else {
                if errno != 0 { throw .cannotRead(path: path(prefix), reason: String(cString: strerror(errno))) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // Names that begin with a dot are of writes that go on.
            if name.hasPrefix(".") { continue }
            let key = prefix.isEmpty ? name : prefix + "/" + name
            var information = stat()
            guard stat(path(key), &information) == 0 else {
                // Gone since the folder was read: another process cleans up too.
                if errno == ENOENT { continue }
                throw .cannotRead(path: path(key), reason: String(cString: strerror(errno)))
            }
            objects.append(
                StoredObject(
                    key: key, sizeInBytes: Int(information.st_size),
                    modified: Int64(information.st_mtim.tv_sec) * 1000 + Int64(information.st_mtim.tv_nsec) / 1_000_000,
                    isFolder: information.st_mode & S_IFMT == S_IFDIR))
        }
        return objects.sorted { $0.key < $1.key }
    }

    /// Removes the file; a missing one is not an error.
    func delete(_ key: String) throws(LakeError) {
        guard unlink(path(key)) == 0 || errno == ENOENT else { throw failure(key) }
    }

    /// Data files are written under their own name: nobody knows it before a commit does.
    func create(_ key: String) throws(LakeError) -> any ObjectWriter {
        try makeFolder(of: key)
        let descriptor = open(path(key), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure(key) }
        return FileSink(descriptor: descriptor, path: path(key), storage: self, key: key)
    }

    func syncFolder(of key: String) throws(LakeError) {
        let folder = folder(of: key)
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotWrite(path: folder, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // The folder is synced too: without it a power cut can forget the name although the file is whole.
        guard fsync(descriptor) == 0 else { throw .cannotWrite(path: folder, reason: String(cString: strerror(errno))) }
    }

    private func writeTemporary(_ key: String, _ bytes: [UInt8]) throws(LakeError) -> String {
        try makeFolder(of: key)
        let folder = folder(of: key)
        let temporary = "\(folder)/.tmp-\(RandomName.uuid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .cannotWrite(path: temporary, reason: String(cString: strerror(errno))) }
        let sink = FileSink(descriptor: descriptor, path: temporary, storage: self, key: key)
        do {
            try sink.write(bytes.span)
            try sink.close(syncing: true)
        } catch {
            unlink(temporary)
            throw error
        }
        return temporary
    }

    private func makeFolder(of key: String) throws(LakeError) {
        let folder = folder(of: key)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .cannotWrite(path: folder, reason: "the folder cannot be made")
        }
    }

    private func openForReading(_ key: String) throws(LakeError) -> Int32 {
        let descriptor = open(path(key), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotRead(path: path(key), reason: String(cString: strerror(errno))) }
        return descriptor
    }

    private func folder(of key: String) -> String {
        let path = path(key)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    private func failure(_ key: String) -> LakeError {
        .cannotWrite(path: path(key), reason: String(cString: strerror(errno)))
    }
}

/// A new file that is written from its start to its end.
final class FileSink: ObjectWriter {
    private var descriptor: Int32
    private let path: String
    private let storage: LocalStorage
    private let key: String
    private(set) var offset = 0

    init(descriptor: Int32, path: String, storage: LocalStorage, key: String) {
        self.descriptor = descriptor
        self.path = path
        self.storage = storage
        self.key = key
    }

    deinit {
        if descriptor >= 0 { Foundation.close(descriptor) }
    }

    func write(_ bytes: Span<UInt8>) throws(LakeError) {
        let failure = bytes.writeAll(to: descriptor)
        if failure != 0 { throw .cannotWrite(path: path, reason: String(cString: strerror(failure))) }
        offset += bytes.count
    }

    /// Closes the file; on disk, with its name, when this returns.
    func finish() throws(LakeError) {
        try close(syncing: true)
        try storage.syncFolder(of: key)
    }

    func close(syncing: Bool) throws(LakeError) {
        guard descriptor >= 0 else { return }
        let isSynced = !syncing || fsync(descriptor) == 0
        let reason = errno
        Foundation.close(descriptor)
        descriptor = -1
        if !isSynced { throw .cannotWrite(path: path, reason: String(cString: strerror(reason))) }
    }

    /// Removes a file that will not be finished.
    func discard() {
        if descriptor >= 0 { Foundation.close(descriptor) }
        descriptor = -1
        unlink(path)
    }
}
