import Columns
import Foundation

extension SourceLook {
    /// Where systemd keeps the journal, the lasting one first.
    private static let journalFolders = ["/var/log/journal", "/run/log/journal"]

    /// At the journal of systemd.
    ///
    /// - Parameters:
    ///   - folder: of another journal than this machine's.
    ///   - program: that reads it.
    static func journal(in folder: String?, readBy program: String) -> SourceLook {
        guard isOnPath(program) else {
            return .unavailable(
                "there is no \(program) on PATH, which reads systemd's journal; install it, or name a log file with 'file:'")
        }
        var isFolder: ObjCBool = false
        let folders = (folder.map { [$0] } ?? journalFolders).filter {
            FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && isFolder.boolValue
        }
        guard !folders.isEmpty else {
            if let folder { return SourceLook(problem: failure(of: folder)) }
            return .unavailable(
                "this machine keeps no journal: there is neither \(journalFolders.joined(separator: " nor ")); start "
                    + "systemd-journald, or name a log file with 'file:'")
        }
        var problem: SourceState?, files: [String] = []
        for path in folders.flatMap({ journalFiles(in: $0) }).prefix(maxFiles) {
            switch state(of: path) {
            case .reading: files.append(path)
            case let found: problem = problem ?? found
            }
        }
        // Of its own files a user may read a part; journalctl gives what is in those.
        if !files.isEmpty { return SourceLook(files: files) }
        if let problem { return SourceLook(problem: problem) }
        return .unavailable(
            "\(folders[0]): the journal has no files yet; they are read as soon as systemd-journald writes them, or name a log "
                + "file with 'file:'")
    }

    private static func unavailable(_ sentence: String) -> SourceLook {
        SourceLook(problem: .unavailable(sentence: sentence))
    }

    /// Files are in a folder for each machine; of a journal from elsewhere they may be in the folder itself.
    private static func journalFiles(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let folders = [folder] + names.sorted().prefix(maxFiles).map { "\(folder)/\($0)" }
        return folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
                .filter { $0.utf8.suffix(8).elementsEqual(".journal".utf8) }.map { "\(folder)/\($0)" }
        }
    }

    private static func isOnPath(_ program: String) -> Bool {
        if program.utf8.contains(UInt8(ascii: "/")) { return access(program, X_OK) == 0 }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.utf8.split(separator: UInt8(ascii: ":")).contains {
            access("\(String(decoding: $0, as: UTF8.self))/\(program)", X_OK) == 0
        }
    }
}
