import Columns

/// Lines that are pushed to `/api/v1/ingest/NAME`, or by a shipper in a protocol of its own (``PushReceiver``): they are in a
/// ``Spool`` before they are acknowledged, and then a file like any other.
///
///     - { name: views, http: true, pipeline: shop }
///     - { name: auth, http: true, match: 'job="auth"', pipeline: ssh }
struct PushedSource: SourceKind {
    /// `http`.
    static let entryKey = "http"

    /// What a record of a shipper becomes.
    enum Lines: String, Sendable, Hashable {
        /// Its text, as it was sent.
        case text
        /// An object with all that was sent.
        case json
    }

    /// The labels of the records that it takes; none where it takes what no other source does.
    var matchers: [Matcher] = []
    /// Nil where the format of the pipeline decides.
    var lines: Lines?

    private enum CodingKeys: CodingKey { case name, http, match, lines }

    /// Reads an entry.
    ///
    /// - Throws: when the name cannot be a part of an address and of the names of files.
    init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: CodingKeys.self)
        let name = try entry.decode(String.self, forKey: .name)
        _ = try entry.decode(Bool.self, forKey: .http)
        guard Self.isName(name) else {
            throw entry.refused(
                .name, "source '\(name)' is pushed to; write letters, digits, '-' and '_' in its name, at most 64")
        }
        if let text = try entry.decodeIfPresent(String.self, forKey: .match) {
            do { matchers = try [Matcher](parsing: text) } catch { throw entry.refused(.match, "source '\(name)': \(error)") }
        }
        if let text = try entry.decodeIfPresent(String.self, forKey: .lines) {
            guard let known = Lines(rawValue: text) else {
                throw entry.refused(.lines, "lines is '\(text)'; write text or json")
            }
            lines = known
        }
    }

    /// Whether a name can be a part of an address and of the names of files.
    static func isName(_ name: String) -> Bool { (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(isNameByte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isDigit || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    /// The address that lines are pushed to.
    func place(of name: String) -> String { "/api/v1/ingest/\(name)" }

    /// Nothing to find: lines come when they are pushed.
    func look() -> SourceLook { SourceLook() }

    /// Follows the spool.
    func source(_ setup: SourceSetup) async throws -> any Source {
        let spool = try await setup.spool()
        var configuration = FollowSource.Configuration(path: spool.path)
        configuration.end = spool.end
        return FollowSource(setup, configuration)
    }

    /// Reads what is in the spool.
    func endingSource(_ setup: SourceSetup) async throws -> (any Source)? {
        FileSource(setup, of: try await setup.spool())
    }
}
