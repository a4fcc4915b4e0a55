import Columns
import Configuration
import Crypto
import Foundation
@preconcurrency import GRDB
import Incidents
import Lake
import Store

/// Takes one person out of all that a data directory keeps: tables, incidents and served rows. `obs lake erase`.
package struct Erasing {
    /// What was found and taken out of one place.
    package struct Part: Sendable, Equatable {
        /// The table of the lake, or `obs.db` or `serve.db` and its table.
        package let place: String
        /// Rows that were deleted.
        package let rows: Int
        /// Texts in other rows in which the name is no more.
        package let texts: Int
    }

    /// A transaction that is about to be committed may hold rows of the person: they are met by the next pass.
    private static let passes = 3

    private let matchers: [Matcher]
    private let person: NamedPerson
    private let value: String

    /// - Parameter matchers: one equality, such as `user="ann"`, whose value names the person; further equalities narrow the rows
    ///   that are deleted, and texts that name the person are blanked all the same.
    /// - Throws: `UsageError` for any other matcher, because texts are searched for its value.
    package init(_ matchers: [Matcher]) throws {
        guard let first = matchers.first, matchers.allSatisfy({ $0.operator == .equal && !$0.value.isEmpty }) else {
            throw UsageError("--where names a person by the value of a column; write such as 'user=\"ann\"'")
        }
        self.matchers = matchers
        value = first.value
        person = NamedPerson(first.value)
    }

    /// Erases, or counts only. Blocks.
    ///
    /// - Parameters:
    ///   - actor: who does it, and `reason`: by which policy or on whose request, for the audit.
    /// - Throws: what cannot be read or written. What was erased by then stays erased; the command can be given again.
    package func run(_ workspace: Workspace, actor: String, reason: String, isDryRun: Bool, now: Timestamp = .now) throws
        -> [Part]
    {
        var parts: [Part] = []
        for name in try workspace.lake.tables() {
            let table = try workspace.lake.table(name)
            var rows = 0, texts = 0
            for _ in 0..<(isDryRun ? 1 : Self.passes) {
                let summary = try table.erase(person, matching: matchers, isDryRun: isDryRun)
                if summary.isEmpty { break }
                rows += summary.rows
                texts += summary.texts
            }
            if rows + texts > 0 { parts.append(Part(place: name, rows: rows, texts: texts)) }
        }
        if FileManager.default.fileExists(atPath: workspace.servingPath) {
            let count = try ServingStore(path: workspace.servingPath).erase(person, isDryRun: isDryRun)
            if count > 0 { parts.append(Part(place: "serve.db", rows: count, texts: 0)) }
        }
        for (table, count) in try workspace.incidents.erase(person, isDryRun: isDryRun).sorted(by: { $0.key < $1.key }) {
            parts.append(Part(place: "obs.db \(table)", rows: 0, texts: count))
        }
        if !isDryRun { try note(parts, workspace, actor: actor, reason: reason, now: now) }
        return parts
    }

    /// The proof: who was erased by a hash that only the key of this directory makes, and not by name.
    private func note(_ parts: [Part], _ workspace: Workspace, actor: String, reason: String, now: Timestamp) throws {
        let key = SymmetricKey(data: try Self.key(workspace.path + "/erasure.key"))
        let hash = HMAC<SHA256>.authenticationCode(for: Data(value.utf8), using: key).prefix(12).map {
            ($0 < 16 ? "0" : "") + String($0, radix: 16)
        }.joined()
        let counts = parts.map { "\($0.place): \($0.rows) rows, \($0.texts) texts" }.joined(separator: "; ")
        try workspace.store.database.write { database in
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "lake.erase",
                subject: matchers.map { "\($0.name)=h-\(hash)" }.first ?? "",
                detail: "\(reason): \(counts.isEmpty ? "nothing found" : counts)")
        }
    }

    /// The key at `path`, which is made where there is none: written whole beside it and then linked, so that a kill leaves no
    /// part of one, and of two processes that make one both use that of the first.
    ///
    /// - Throws: `UsageError` for a file that has no whole key: another one would give other hashes for the same person.
    static func key(_ path: String) throws -> Data {
        if let known = FileManager.default.contents(atPath: path) {
            guard known.count == 32 else {
                throw UsageError("\(path): has \(known.count) bytes, and a key has 32; restore it from a backup, or remove it")
            }
            return known
        }
        let key = SymmetricKey(size: .bits256), draft = path + "." + RandomName.hexadecimal(digits: 8)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw UsageError("\(draft): cannot be written: \(String(cString: strerror(errno)))") }
        defer { unlink(draft) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try key.withUnsafeBytes { try file.write(contentsOf: Data($0)) }
        try file.synchronize()
        guard link(draft, path) == 0 || errno == EEXIST else {
            throw UsageError("\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
        guard let known = FileManager.default.contents(atPath: path), known.count == 32 else {
            throw UsageError("\(path): cannot be read again")
        }
        // Else a power cut could forget the name although the audit has a hash by the key.
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        return known
    }
}
