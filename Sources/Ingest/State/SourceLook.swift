import Foundation

/// What a source finds now in the place that it is to read: asked of the file system, without opening or reading anything.
public struct SourceLook: Sendable, Equatable {
    /// The files that are there and may be read.
    public var files: [String]
    /// What keeps it from being read, or a part of it; nil when nothing does.
    public var problem: SourceState?

    /// What was found.
    public init(files: [String] = [], problem: SourceState? = nil) {
        self.files = files
        self.problem = problem
    }

    /// So many files of a pattern are looked at: more would make a look too long.
    static let maxFiles = 1000

    /// At a path or pattern whose files are followed.
    ///
    /// Folders that a pattern matches are passed over, as a shell's user expects it; a file that may not be read is a problem
    /// although others may be: what is named is to be watched.
    public static func followed(_ pattern: String) -> SourceLook {
        let paths = SourcePattern.paths(pattern)
        guard !paths.isEmpty else {
            // A folder that cannot be listed matches nothing, which is not the same as being empty.
            let folder = SourcePattern.folder(of: pattern)
            return SourceLook(problem: closedFolder(folder, for: pattern) ?? .missing(pattern))
        }
        var look = SourceLook()
        var irregular: SourceState?
        for path in paths.prefix(maxFiles) {
            switch state(of: path) {
            case .reading: look.files.append(path)
            case .irregular(let path, let kind): irregular = irregular ?? .irregular(path, kind: kind)
            case let problem: look.problem = look.problem ?? problem
            }
        }
        if look.files.isEmpty, look.problem == nil { look.problem = irregular }
        return look
    }

    /// At a file that is one thing, such as a database.
    public static func file(_ path: String) -> SourceLook {
        let found = state(of: path)
        return found == .reading ? SourceLook(files: [path]) : SourceLook(problem: found)
    }

    /// At a folder with a file a record.
    public static func folder(_ path: String) -> SourceLook {
        var information = stat()
        guard stat(path, &information) == 0 else { return SourceLook(problem: failure(of: path)) }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            return SourceLook(problem: .irregular(path, kind: "file and no folder"))
        }
        guard mayRead(path), mayEnter(path) else {
            return SourceLook(problem: .unreadable(path, access: fileAccess(information, group: S_IRGRP | S_IXGRP)))
        }
        return SourceLook(files: [path])
    }

    /// `reading`, or what is wrong with the file at `path`.
    static func state(of path: String) -> SourceState {
        var information = stat()
        guard stat(path, &information) == 0 else { return failure(of: path) }
        guard information.st_mode & S_IFMT == S_IFREG else { return .irregular(path, kind: kind(information)) }
        guard mayRead(path) else { return .unreadable(path, access: fileAccess(information, group: S_IRGRP)) }
        return .reading
    }

    /// Why `stat` failed.
    static func failure(of path: String) -> SourceState {
        guard errno == EACCES else { return .missing(path) }
        return closedFolder((path as NSString).deletingLastPathComponent, for: path)
            ?? .unreadable(path, access: FileAccess(user: user))
    }

    /// The first folder on the way to `folder` that this user may not enter or list.
    private static func closedFolder(_ folder: String, for path: String) -> SourceState? {
        var way = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
            way += way.isEmpty && !folder.hasPrefix("/") ? String(part) : "/" + part
            if way == "/" || way.isEmpty { continue }
            var information = stat()
            guard stat(way, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else { return nil }
            guard !mayEnter(way) || way == folder && SourcePattern.isPattern(path) && !mayRead(way) else { continue }
            var access = fileAccess(information, group: S_IRGRP | S_IXGRP)
            access.folder = way
            return .unreadable(path, access: access)
        }
        return nil
    }

    /// By the effective user, as opening does it.
    static func mayRead(_ path: String) -> Bool { faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 }
    private static func mayEnter(_ path: String) -> Bool { faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 }

    static func fileAccess(_ information: stat, group rights: mode_t) -> FileAccess {
        let isGroups = information.st_mode & rights == rights && information.st_gid != 0
        return FileAccess(
            user: user, group: isGroups ? getgrgid(information.st_gid).map { String(cString: $0.pointee.gr_name) } : nil)
    }

    private static var user: String { getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())" }

    private static func kind(_ information: stat) -> String {
        switch information.st_mode & S_IFMT {
        case S_IFDIR: "folder"
        case S_IFIFO: "FIFO"
        case S_IFSOCK: "socket"
        default: "device"
        }
    }
}

/// The names of followed files.
enum SourcePattern {
    static func isPattern(_ path: String) -> Bool { path.unicodeScalars.contains { "*?[".unicodeScalars.contains($0) } }

    /// The paths that are there for a path or pattern, sorted. A path that exists is itself before it is a pattern.
    static func paths(_ pattern: String) -> [String] {
        let paths = FileNames.paths(pattern)
        guard paths == [pattern] else { return paths }
        // A file that may not be looked at exists too.
        var information = stat()
        return stat(pattern, &information) == 0 || errno != ENOENT && errno != ENOTDIR ? paths : []
    }

    /// The folder before the first part of a pattern that is one; of a path, its folder.
    static func folder(of pattern: String) -> String {
        let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
        let end = parts.firstIndex { isPattern(String($0)) } ?? parts.count - 1
        let folder = parts[..<end].joined(separator: "/")
        return folder.isEmpty && pattern.hasPrefix("/") ? "/" : folder
    }
}
