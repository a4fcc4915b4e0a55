import Foundation

/// How far one file was read, and how it is known again.
///
/// A name is not enough (rotation moves it), nor is the inode (it is used again), nor the size (a file can be written anew and be
/// longer). So three things together say that a file is the one that was read up to `offset`: the bytes at its start, the bytes
/// just before `offset`, and that it is at least that long. Device and inode say where to look first, and which of two files that
/// begin alike is meant.
///
/// A file of which nothing was read yet is known by the bytes that it began with when it was first seen.
struct FilePosition: Codable, Sendable, Equatable {
    /// Bytes at the start that are hashed; fewer while the file is shorter.
    static let headLength = 1024
    /// Bytes before the offset that are hashed: they tell files apart that begin alike, as logs with a header do.
    static let tailLength = 256

    var path: String
    var device: UInt64
    var inode: UInt64
    /// Bytes of text that were delivered; in a compressed file of the decompressed text. At the start of a line, unless it
    /// ``isInsideLine``.
    var offset: Int64
    var head: Fingerprint
    var tail: Fingerprint
    /// When the file was last written to, as far as was seen: what was rotated away later came later. Nanoseconds since 1970; 0
    /// where it is not known.
    var modified: Int64 = 0
    /// The file was read to its end and is not looked at any more: the position stays so that it is not read again under another
    /// name.
    var isDone = false
    /// What comes next is the rest of a line that is longer than a line may be.
    var isInsideLine = false

    init(
        path: String, device: UInt64 = 0, inode: UInt64 = 0, offset: Int64 = 0, head: Fingerprint = .none,
        tail: Fingerprint = .none
    ) {
        self.path = path
        self.device = device
        self.inode = inode
        self.offset = offset
        self.head = head
        self.tail = tail
    }

    var identity: FileIdentity { FileIdentity(device: device, inode: inode) }

    /// Whether the text itself says which file it is: two logs may share a header, but not their first kilobyte and all that was
    /// read.
    var tellsByContent: Bool { offset >= Int64(Self.headLength) }

    /// Whether `stream` holds the text that was read: asked of a file by its content alone.
    func isPosition(in stream: (_ offset: Int64, _ length: Int) throws -> [UInt8]) rethrows -> Bool {
        guard head.length > 0 else { return false }
        guard Fingerprint(of: try stream(0, head.length)) == head else { return false }
        return Fingerprint(of: try stream(offset - Int64(tail.length), tail.length)) == tail
    }

    /// Whether `file` is the one that was read up to here: by its content, or, when nothing of it is known, by its inode.
    func isPosition(in file: OpenFile) throws -> Bool {
        if head.length == 0 { return file.identity == identity }
        guard file.version().size >= max(offset, Int64(head.length)) else { return false }
        return try isPosition { try file.read(at: $0, length: $1) }
    }
}

extension FilePosition {
    private enum CodingKeys: String, CodingKey {
        case path, device, inode, offset, head, tail, modified
        case isDone = "done"
        case isInsideLine = "inside"
    }

    // What is false or 0, as it nearly always is, is left out: a checkpoint may have thousands of positions.

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        path = try container.decode(String.self, forKey: .path)
        device = try container.decode(UInt64.self, forKey: .device)
        inode = try container.decode(UInt64.self, forKey: .inode)
        offset = try container.decode(Int64.self, forKey: .offset)
        head = try container.decode(Fingerprint.self, forKey: .head)
        tail = try container.decode(Fingerprint.self, forKey: .tail)
        modified = try container.decodeIfPresent(Int64.self, forKey: .modified) ?? 0
        isDone = try container.decodeIfPresent(Bool.self, forKey: .isDone) ?? false
        isInsideLine = try container.decodeIfPresent(Bool.self, forKey: .isInsideLine) ?? false
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(path, forKey: .path)
        try container.encode(device, forKey: .device)
        try container.encode(inode, forKey: .inode)
        try container.encode(offset, forKey: .offset)
        try container.encode(head, forKey: .head)
        try container.encode(tail, forKey: .tail)
        if modified != 0 { try container.encode(modified, forKey: .modified) }
        if isDone { try container.encode(true, forKey: .isDone) }
        if isInsideLine { try container.encode(true, forKey: .isInsideLine) }
    }
}
