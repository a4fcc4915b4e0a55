import Foundation
import Parsing

extension Configuration {
    /// Where lines come from, and which pipeline they are for: one entry under `sources:`.
    ///
    ///     - { name: auth, file: /var/log/auth.log, pipeline: ssh, also: [/srv/old/auth.log*] }
    ///     - { name: views, http: true, pipeline: shop, input: views }
    ///     - { name: orders, sqlite: shop.db, table: orders, key: order_id, pipeline: shop, input: orders }
    ///     - { name: products, folder: products, pipeline: shop, input: products }
    public struct SourceEntry: Sendable, Hashable, Decodable {
        public enum Kind: Sendable, Hashable {
            /// A file or pattern to follow.
            case file(String)
            /// Pushed to `/api/v1/ingest/NAME`.
            case http
            /// Rows of a table, as they are added.
            case sqlite(path: String, table: String, key: String)
            /// A JSON file a record.
            case folder(String)
        }

        public var name: String
        public var kind: Kind
        public var pipeline = "ssh"
        /// Which of the pipeline's inputs the lines are; nil where it has one.
        public var input: String?
        /// Paths or patterns that a followed file may be rotated to.
        public var also: [String] = []
        /// Of stamps that lack a zone; nil is this machine's.
        public var timeZone: TimeZone?
        /// When it has said nothing for too long.
        public var silence = Silence.learned

        public enum Silence: Sendable, Hashable {
            /// When it is longer than its own habit.
            case learned
            case after(Duration)
            case never
        }

        /// The file or pattern that is followed; empty for another kind of source.
        public var file: String {
            if case .file(let path) = kind { path } else { "" }
        }

        private enum CodingKeys: String, CodingKey {
            case name, file, http, sqlite, table, key, folder, pipeline, input, also
            case timeZone = "time_zone"
            case silentAfter = "silent_after"
        }

        public init(name: String, file: String) {
            self.name = name
            kind = .file(file)
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func refuse(_ key: CodingKeys, _ sentence: String) -> DecodingError {
                DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: sentence)
            }
            name = try container.decode(String.self, forKey: .name)
            let file = try container.decodeIfPresent(String.self, forKey: .file)
            let folder = try container.decodeIfPresent(String.self, forKey: .folder)
            let sqlite = try container.decodeIfPresent(String.self, forKey: .sqlite)
            let http = try container.decodeIfPresent(Bool.self, forKey: .http) ?? false
            let table = try container.decodeIfPresent(String.self, forKey: .table)
            let key = try container.decodeIfPresent(String.self, forKey: .key)
            switch (file, folder, sqlite, http) {
            case (let path?, nil, nil, false): kind = .file(path)
            case (nil, let path?, nil, false): kind = .folder(path)
            case (nil, nil, let path?, false):
                guard let table, let key else {
                    throw refuse(.sqlite, "source '\(name)' reads a database; name its 'table' and 'key', a column that grows")
                }
                kind = .sqlite(path: path, table: table, key: key)
            case (nil, nil, nil, true):
                // The name is part of an address and of a file's name.
                guard (1...64).contains(name.utf8.count),
                    name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
                else {
                    throw refuse(
                        .name, "source '\(name)' is pushed to; write letters, digits, '-' and '_' in its name, at most 64")
                }
                kind = .http
            case (nil, nil, nil, false):
                throw refuse(.file, "source '\(name)' has none of file, http, sqlite and folder; give one")
            default: throw refuse(.file, "source '\(name)' has several of file, http, sqlite and folder; give one")
            }
            pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline) ?? pipeline
            input = try container.decodeIfPresent(String.self, forKey: .input)
            also = try container.decodeIfPresent([String].self, forKey: .also) ?? []
            if !also.isEmpty, file == nil {
                throw refuse(
                    .also, "source '\(name)' follows no file; 'also' names where a followed file is rotated to, so take it out")
            }
            if let zone = try container.decodeIfPresent(String.self, forKey: .timeZone) {
                guard let known = TimeZone(identifier: zone) else {
                    throw refuse(.timeZone, "time_zone is '\(zone)'; write a name such as Europe/Berlin or UTC")
                }
                timeZone = known
            }
            if let text = try container.decodeIfPresent(String.self, forKey: .silentAfter) {
                if text == "never" {
                    silence = .never
                } else if let limit = Duration(parsing: text), limit > .zero {
                    silence = .after(limit)
                } else {
                    throw refuse(.silentAfter, "silent_after is '\(text)'; write a duration such as 30m or 6h, or never")
                }
            }
        }
    }
}
