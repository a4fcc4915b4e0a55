import Columns
import Foundation
import Logging
import Parsing
import Telemetry

/// A folder in which each file is one record, as JSON: a product, a configuration, a document. A file that is new or has
/// changed is delivered as one line.
///
/// What was delivered is known by its content, so a file that is copied or touched is not delivered again.
struct FolderSource: Source {
    /// What is read; an entry has `folder`.
    struct Configuration: Sendable, Hashable {
        /// Of the folder.
        var path: String
        /// Files whose names end otherwise are left alone.
        var fileEnding = ".json"
        /// The time between two looks.
        var pollInterval: Duration = .seconds(1)
        /// Goes on when everything is read.
        var follows = true
        /// With more files it is not read.
        var maxFiles = FolderSource.maxFiles

        /// Reads the JSON files of a folder.
        init(path: String) {
            self.path = path
        }
    }

    /// A larger file is not a record.
    static let maxFileBytes = 1 << 20
    /// More files than this belong in a table: what is known of each is in every checkpoint.
    static let maxFiles = 100_000

    private let setup: SourceSetup
    private let configuration: Configuration

    /// Reads the folder that `configuration` names.
    init(_ setup: SourceSetup, _ configuration: Configuration) {
        self.setup = setup
        self.configuration = configuration
    }

    /// As in the configuration.
    var name: String { setup.name }

    /// See ``Source/run(from:deliver:)``.
    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        /// By name of a file the hash of the content that was delivered.
        var known = try position?.cursor.map { try JSONDecoder().decode([String: UInt64].self, from: Data($0.utf8)) } ?? [:]
        var seen: [String: FileVersion] = [:]
        repeat {
            var builder = RawLinesBuilder()
            for file in try files() where !Task.isCancelled {
                let path = "\(configuration.path)/\(file)"
                // A file that is gone by now was not meant to be read.
                guard let version = FileVersion(path: path), seen[file] != version else { continue }
                seen[file] = version
                guard version.size <= Self.maxFileBytes else {
                    setup.logger.error(
                        "a file is too large for a record", metadata: ["file": "\(path)", "bytes": "\(version.size)"])
                    continue
                }
                // It may have grown since, and what is not a regular file has no end, such as a pipe.
                guard let opened = OpenFile(path: path),
                    case let bytes = try opened.read(at: 0, length: Self.maxFileBytes + 1),
                    !bytes.isEmpty, bytes.count <= Self.maxFileBytes
                else { continue }
                // Line ends within JSON are blanks: a text has them escaped.
                let line = bytes.map { $0 == 10 || $0 == 13 ? 32 : $0 }
                let hash = Fingerprint(of: line).hash
                guard known[file] != hash else { continue }
                known[file] = hash
                builder.append(
                    line.span, offset: 0, source: name, file: path, arrival: .now)
                setup.metrics.bytes.increment(by: line.count)
            }
            if builder.count > 0 {
                let lines = builder.finish()
                let cursor = String(decoding: try JSONEncoder().encode(known), as: UTF8.self)
                try await deliver(SourceChunk(lines: lines, position: SourcePosition(cursor: cursor)))
                setup.metrics.lines.increment(by: lines.count)
            }
            guard configuration.follows else { return }
            try? await Task.sleep(for: configuration.pollInterval)
        } while !Task.isCancelled
    }

    /// The names of the files, in order. A folder that is not there yet has none.
    private func files() throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: configuration.path) else {
            guard configuration.follows else { throw IngestError.noSuchFile(configuration.path) }
            return []
        }
        let files = names.filter { $0.hasSuffix(configuration.fileEnding) && !$0.hasPrefix(".") }.sorted()
        guard files.count <= configuration.maxFiles else {
            throw IngestError.cannotRead(
                path: configuration.path,
                reason:
                    "it has \(files.count) files, more than \(configuration.maxFiles); put the records into a table or one file")
        }
        return files
    }
}

extension FolderSource.Configuration: SourceKind {
    /// `folder`.
    static let entryKey = "folder"

    /// False: records change when somebody changes them.
    static let hasHabit = false

    private enum CodingKeys: CodingKey { case folder }

    /// Reads an entry.
    init(from decoder: any Decoder) throws {
        self.init(path: try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .folder))
    }

    /// The path.
    func place(of name: String) -> String { path }

    /// The folder itself.
    func look() -> SourceLook { .folder(path) }

    /// Reads files as they change.
    func source(_ setup: SourceSetup) -> any Source { FolderSource(setup, self) }

    /// Reads the files once.
    func endingSource(_ setup: SourceSetup) -> (any Source)? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var once = self
        once.follows = false
        return FolderSource(setup, once)
    }
}
