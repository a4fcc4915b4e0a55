import Columns
import Foundation
import Ingest

extension Configuration {
    /// Where lines come from, and which pipeline they are for: one entry under `sources:`.
    ///
    ///     - { name: auth, file: /var/log/auth.log, pipeline: ssh, also: [/srv/old/auth.log*] }
    ///     - { name: views, http: true, pipeline: shop, input: views }
    ///     - { name: orders, sqlite: shop.db, table: orders, key: order_id, pipeline: shop, input: orders }
    ///     - { name: products, folder: products, pipeline: shop, input: products }
    public struct SourceEntry: Sendable, Hashable, Decodable {
        /// Names it in metrics, in pages and in the path of pushed lines; unique.
        public var name: String
        /// Its kind, and what belongs to that.
        public var settings: SourceSettings
        /// The pipeline that its lines belong to.
        public var pipeline = "ssh"
        /// The input of the pipeline that the lines belong to; nil where it has one.
        public var input: String?
        /// Of stamps that lack a zone; nil is this machine's.
        public var timeZone: TimeZone?
        /// When it has said nothing for too long.
        public var silence = Silence.learned

        /// What is taken out of its lines before they are kept; the section `redaction` says it.
        package var redactor: LineRedactor?

        /// For how long it may say nothing before it is reported.
        public enum Silence: Sendable, Hashable {
            /// When it is longer than its own habit.
            case learned
            case after(Duration)
            case never
        }

        private enum CodingKeys: String, CodingKey {
            case name, pipeline, input, also
            case timeZone = "time_zone"
            case silentAfter = "silent_after"
        }

        /// A followed file of the pipeline `ssh`.
        public init(name: String, file: String) {
            self.name = name
            settings = .file(file)
        }

        /// A source of the pipeline `ssh`.
        public init(name: String, settings: SourceSettings) {
            self.name = name
            self.settings = settings
        }

        /// Of an entry under `sources`; it has exactly one of the keys that name a kind.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func refuse(_ key: CodingKeys, _ sentence: String) -> DecodingError {
                DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: sentence)
            }
            name = try container.decode(String.self, forKey: .name)
            settings = try SourceSettings(from: decoder)
            pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline) ?? pipeline
            input = try container.decodeIfPresent(String.self, forKey: .input)
            if settings.followedPath == nil, container.contains(.also) {
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
