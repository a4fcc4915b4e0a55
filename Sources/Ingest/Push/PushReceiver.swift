import Columns
import Dispatch
import Foundation
import Synchronization

/// A source that programs push to: its spool, and which records it takes.
public struct PushTarget: Sendable {
    /// Of the source.
    let name: String
    /// The labels of the records that it takes; none where it takes what nobody else does.
    let matchers: [Matcher]
    let lines: PushedSource.Lines
    let spool: Spool

    /// - Parameters:
    ///   - settings: of a source that is pushed to.
    ///   - readsJSON: whether the pipeline reads lines of JSON, which decides where the settings leave it open.
    /// - Returns: nil for a source of another kind.
    public init?(_ settings: SourceSettings, name: String, spool: Spool, readsJSON: Bool) {
        guard let source = settings.pushedSource else { return nil }
        self.name = name
        self.spool = spool
        matchers = source.matchers
        lines = source.lines ?? (readsJSON ? .json : .text)
    }
}

/// Why a request is not taken.
public enum PushError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The body is not what it says that it is.
    case damaged(String)
    case unknownEncoding(String)
    case tooLarge(limit: Int)
    case noSource(String, known: [String])
    /// None of its records is for a source.
    case refused(String)
    /// Nothing is wrong with the request: it is to be sent again.
    case tooBusy(String)

    /// The sentence for people, with the way out.
    public var description: String {
        switch self {
        case .damaged(let sentence), .refused(let sentence): sentence
        case .unknownEncoding(let name):
            "the body is encoded with '\(OutsideText(name).visibleInOneLine)'; send it plain, or with gzip, deflate, zstd or "
                + "snappy"
        case .tooLarge(let limit): "the body has more than \(limit) bytes when it is decompressed; send it in parts"
        case .noSource(let name, let known):
            "there is no source '\(OutsideText(name).visibleInOneLine)' that takes lines by HTTP; "
                + (known.isEmpty ? "name one with 'http: true' in obs.yaml" : "known are \(known.joined(separator: ", "))")
        case .tooBusy(let sentence): "\(sentence); send again in a moment"
        }
    }
}

/// Takes what shippers push in the protocols of other programs: each record becomes a line in the spool of a source, and is on
/// disk before the request is answered.
public final class PushReceiver: Sendable {
    /// A protocol.
    public enum Form: Sendable {
        /// Lines as they are, of obs's own address.
        case lines
        case loki, otlp, bulk
        /// Splunk's events, and its lines as they are.
        case hec, hecRaw
    }

    /// What became of a request.
    public struct Outcome: Sendable {
        /// Lines that are on disk.
        public let accepted: Int
        /// Records that no source takes, or that are too long.
        public let refused: Int
        /// Why the first of them was refused.
        public let refusal: String?
        /// Of a bulk request: the results as a list of JSON, without its brackets.
        public let items: [UInt8]
    }

    /// Decompressed bodies and their lines take at most so much memory, all together.
    private static let maxHeld = 256 << 20
    /// Bodies are read one after another, because each may be as large as is allowed: otherwise many would fill the memory.
    private static let queue = DispatchQueue(label: "obs.ingest.push")

    private let targets: @Sendable () async -> [PushTarget]
    private let held = Atomic<Int>(0)

    /// - Parameter targets: called at each request, because a reload may add sources.
    public init(_ targets: @escaping @Sendable () async -> [PushTarget]) {
        self.targets = targets
    }

    /// Takes the records of a body.
    ///
    /// Where they are for several sources and one of those fails, the sender sends all again, and what the others have taken is
    /// there twice.
    ///
    /// - Parameters:
    ///   - isJSON: whether the body is JSON and not Protocol Buffers; a bulk body is JSON anyway.
    ///   - encoding: as in `Content-Encoding`.
    ///   - source: that the address names; nil where labels choose.
    ///   - given: labels that the address names; those of a record itself go first.
    /// - Throws: ``PushError``, or ``SpoolError`` when the lines cannot be stored now.
    public func receive(
        _ body: [UInt8], as form: Form, isJSON: Bool, encoding: String?, source: String?, given: Labels = Labels()
    ) async throws -> Outcome {
        let targets = await targets().sorted { $0.name.precedesByBytes($1.name) }
        let named = try source.map { name in
            guard let index = targets.firstIndex(where: { $0.name.hasSameBytes(as: name) }) else {
                throw PushError.noSource(name, known: targets.map(\.name))
            }
            return index
        }
        guard held.load(ordering: .relaxed) <= Self.maxHeld else { throw PushError.tooBusy("other requests wait for the disk") }
        let (lines, items) = try await Self.read(body, form, isJSON, encoding, PushedLines(targets, named: named), given)
        if lines.accepted == 0, let refusal = lines.refusal, form != .bulk { throw PushError.refused(refusal) }
        let size = lines.texts.reduce(0) { $0 + $1.count }
        held.add(size, ordering: .relaxed)
        defer { held.subtract(size, ordering: .relaxed) }
        for (target, text) in zip(targets, lines.texts) where !text.isEmpty || form == .lines && target.name == source {
            do { try await target.spool.append(text) } catch SpoolError.empty where form != .lines {
                // Records of blanks are none.
            }
        }
        return Outcome(accepted: lines.accepted, refused: lines.refused, refusal: lines.refusal, items: items)
    }

    private static func read(
        _ body: [UInt8], _ form: Form, _ isJSON: Bool, _ encoding: String?, _ empty: PushedLines, _ given: Labels
    ) async throws -> (PushedLines, items: [UInt8]) {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(
                    with: Result {
                        // Most of Loki's senders do not say it because its Protocol Buffers are always compressed with Snappy.
                        let implied = form == .loki && !isJSON && encoding == nil ? "snappy" : encoding
                        let text = try BodyCoding.decode(body, implied)
                        var lines = empty, items: [UInt8] = []
                        switch form {
                        case .lines: lines.take(text)
                        case .loki: try LokiPush.read(text, isJSON: isJSON, into: &lines)
                        case .otlp: try OTLPLogs.read(text, isJSON: isJSON, into: &lines)
                        case .bulk: items = try BulkPush.read(text, index: given["_index"], into: &lines)
                        case .hec: try HECPush.read(text, given: given, into: &lines)
                        case .hecRaw: HECPush.readRaw(text, given: given, into: &lines)
                        }
                        return (lines, items)
                    })
            }
        }
    }
}
