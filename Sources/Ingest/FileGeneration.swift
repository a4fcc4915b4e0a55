import Foundation

/// One of the files that the lines of a followed path are in: the one at the path, or one that was rotated away and still lies
/// where a rotation puts it.
public struct FileGeneration: Sendable, Equatable {
    /// Where it lies now; ``TextLines`` reads it, compressed too.
    public let path: String
    /// Whether it is at the followed path, so that lines may still be added that nobody has read.
    public let isLive: Bool
    /// In bytes, as it lies on disk.
    public let size: Int64
}

extension SourceSettings {
    /// By followed path, its generations, oldest first; nil for a source that follows no files. Nothing is opened.
    ///
    /// A file that several names lead to is one generation, of the first path that has it.
    ///
    /// - Throws: where the disk fails, so that a file that is there would be missed.
    public func generations() throws -> [(path: String, files: [FileGeneration])]? {
        guard let followed = followedFiles else { return nil }
        var seen: Set<FileIdentity> = []
        return try FollowedFiles.paths(followed).compactMap { path in
            guard let live = FileIdentity(path: path), seen.insert(live).inserted else { return nil }
            let texts = KnownTexts(SourcePosition(), comparesContent: false, copyTime: .zero)
            let rotated = try RotatedFiles(path: path, also: followed.also, texts: texts).rotatedAway().filter { file in
                FileIdentity(path: file.path).map { seen.insert($0).inserted } ?? false
            }
            let size = FileVersion(path: path)?.size ?? 0
            return (path, rotated + [FileGeneration(path: path, isLive: true, size: size)])
        }
    }
}

extension RotatedFiles {
    /// What lies there by its name or by where it is, oldest first; whether any of it was read is not asked.
    func rotatedAway() throws -> [FileGeneration] {
        try candidates().filter(\.isRotated).map { FileGeneration(path: $0.path, isLive: false, size: $0.version.size) }
    }
}
