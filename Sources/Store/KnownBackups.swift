import Columns
import Foundation

/// The backups that were made of a database, newest last, in a file beside it: what the database itself knew of them cannot be
/// asked when it is damaged, which is when one is needed.
enum KnownBackups {
    /// How many are remembered.
    private static let kept = 20

    private static func file(of database: String) -> String { database + ".backups" }

    private static func paths(of database: String) -> [String] {
        guard let bytes = FileManager.default.contents(atPath: file(of: database)) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).suffix(kept).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Remembers a backup. One that cannot be remembered is a backup all the same.
    static func note(_ backup: String, of database: String) {
        let path = URL(filePath: backup).standardizedFileURL.path
        guard !path.utf8.contains(UInt8(ascii: "\n")) else { return }
        let all = (paths(of: database).filter { $0 != path } + [path]).suffix(kept)
        try? Data((all.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file(of: database)), options: .atomic)
    }

    /// The newest that is still there, and when it was made; nil where none is.
    static func newest(of database: String) -> (path: String, made: Timestamp)? {
        for path in paths(of: database).reversed() {
            guard let made = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date else { continue }
            return (path, Timestamp(microseconds: Int64(made.timeIntervalSince1970 * 1_000_000)))
        }
        return nil
    }

    /// What to do about a database that is damaged: the newest backup by its name, as a word of a shell.
    static func advice(for database: String) -> String {
        guard let newest = newest(of: database) else { return "put a backup in its place with 'obs restore FILE'" }
        return
            "the newest backup is of \(newest.made): put it in its place with: obs restore \(OutsideText(newest.path).shellWord)"
    }
}
