internal import CZlib
import Foundation
@preconcurrency import GRDB

/// The checksums of the database's pages as obs left them at its end. SQLite has none: a bit that changes in a text is a text
/// that nobody wrote, and no check of its structure finds it.
///
///     obs.db.sums     obs-sums 1 4096 117 9ae0daaf\n, and four bytes a page
///
/// They are written when the last process that has the database open ends in order, and removed by whoever opens it next. So
/// where they are, nothing of obs has changed the file since.
struct PageSums {
    /// A larger database is not read whole at each end.
    private static let maxSize = 8 << 30
    private static let title = "obs-sums 1"

    private let path: String
    private let database: String

    init(of database: String) {
        self.database = database
        path = database + ".sums"
    }

    var exists: Bool { access(path, F_OK) == 0 }

    /// From now on the file may change.
    func void() { unlink(path) }

    /// Writes down what the file is now.
    func write() throws {
        guard let (pageSize, sums) = try measure() else { return }
        let content = sums.withUnsafeBytes { Data($0) }
        let head = "\(Self.title) \(pageSize) \(sums.count) \(String(Self.checksum(content), radix: 16))\n"
        try (Data(head.utf8) + content).write(to: URL(filePath: path), options: .atomic)
    }

    /// The pages, numbered from 1, that are not what they were; nil where nothing is known of them.
    ///
    /// - Throws: ``StoreError/damaged(path:reason:)`` when the file is longer or shorter than it was.
    func changedPages() throws -> [Int]? {
        guard let bytes = FileManager.default.contents(atPath: path), let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
            case let words = bytes[..<end].split(separator: UInt8(ascii: " ")).map({ String(decoding: $0, as: UTF8.self) }),
            words.count == 5,
            "\(words[0]) \(words[1])" == Self.title, let pageSize = Int(words[2]), let count = Int(words[3]),
            case let content = Data(bytes[bytes.index(after: end)...]), content.count == count * 4,
            String(Self.checksum(content), radix: 16) == words[4]
            // What is damaged here says nothing of the database.
        else { return nil }
        let known = content.withUnsafeBytes { raw in
            (0..<count).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
        }
        guard let (found, sums) = try measure(pageSize: pageSize), found == pageSize, sums.count == known.count else {
            throw StoreError.damaged(path: database, reason: "the file has not the size that obs left it with")
        }
        return zip(known, sums).enumerated().filter { $0.element.0 != $0.element.1 }.map { $0.offset + 1 }
    }

    /// The size of a page, and the checksum of each; nil for a file that is not a database, or is very large.
    private func measure(pageSize known: Int? = nil) throws -> (pageSize: Int, sums: [UInt32])? {
        guard let file = FileHandle(forReadingAtPath: database) else { return nil }
        defer { try? file.close() }
        let head = try file.read(upToCount: 18) ?? Data()
        // Source: SQLite, "Database File Format", "The Database Header"; 1 stands for 65,536.
        let said = head.count == 18 ? Int(head[16]) << 8 | Int(head[17]) : 0
        let pageSize = known ?? (said == 1 ? 65_536 : said)
        let size = Int(try file.seekToEnd())
        guard pageSize >= 512, size > 0, size <= Self.maxSize, size % pageSize == 0 else { return nil }
        try file.seek(toOffset: 0)
        var sums: [UInt32] = []
        sums.reserveCapacity(size / pageSize)
        while let piece = try file.read(upToCount: pageSize * 256), !piece.isEmpty {
            for start in stride(from: 0, to: piece.count, by: pageSize) {
                sums.append(
                    Self.checksum(piece[(piece.startIndex + start)..<(piece.startIndex + min(start + pageSize, piece.count))]))
            }
        }
        return (pageSize, sums)
    }

    private static func checksum(_ bytes: Data) -> UInt32 {
        bytes.withUnsafeBytes { UInt32(crc32_z(0, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)) }
    }
}

extension Store {
    /// Writes the log into the file, and down what each of its pages is, unless another process has it open. For the end of a
    /// process, which writes nothing any more.
    public func seal() throws {
        _ = try use?.alone(within: .zero) {
            try checkpoint()
            // A reader of this process may have kept the log from going into the file.
            let log = (try? FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int) ?? 0
            if log == 0 { try PageSums(of: path).write() }
        }
    }

    /// The pages that are not what obs left when it ended, as sentences; nothing is known where it was killed. For whoever
    /// opens the file before anybody else has it open: the opening itself writes.
    static func changedPages(_ path: String, _ use: SharedUse?) -> [String] {
        let sums = PageSums(of: path)
        guard sums.exists, let use else { return [] }
        let found: [String]? = use.alone(within: .zero) {
            do {
                let pages = try sums.changedPages() ?? []
                // Those that are found to have changed are kept until that is written down.
                if pages.isEmpty { sums.void() }
                return pages.map(sentence)
            } catch {
                return [sentence(error)]
            }
        }
        return found ?? []
    }

    /// The same of a database that is open for questions, which change nothing.
    public func changedPages() -> [String] {
        guard isReading else { return [] }
        do { return try (PageSums(of: path).changedPages() ?? []).map(Self.sentence) } catch { return [Self.sentence(error)] }
    }

    private static func sentence(_ page: Int) -> String { "page \(page) is not what obs left when it ended" }
    private static func sentence(_ error: any Error) -> String { (error as? StoreError)?.reason ?? "\(error)" }

    /// Keeps in `set_aside` which pages had changed: at the next end they are as obs leaves them.
    func keep(changedPages: [String]) throws {
        guard !changedPages.isEmpty else { return }
        try database.write { database in
            for sentence in changedPages.prefix(20) {
                try database.execute(
                    sql: "INSERT INTO set_aside (at, \"table\", row, reason, statement) VALUES (?, ?, '', ?, '')",
                    arguments: [Int64(Date().timeIntervalSince1970 * 1e6), Self.fileMark, sentence])
            }
        }
    }

    /// Stands for the file itself where a table is named.
    public static let fileMark = "the file"
}
