import Columns
import Foundation

/// What looks at rows as they come and says which of them matter.
///
/// A detector knows no clock and no file of the lake: the same rows give the same findings, whenever they are read. Its methods
/// are called one at a time. What it must remember is bounded, and in ``snapshot()``.
public protocol Detector {
    /// The findings that these rows complete. Rows come nearly in the order of their event times; they may be late by as much as
    /// the pipeline allows.
    mutating func observe(_ rows: DetectorRows) -> [Finding]

    /// What has come to earlier findings since they were reported, as findings that bring their incidents up to date. Called at
    /// the end of an epoch, before ``snapshot()``.
    mutating func updates(_ evidence: EvidenceSource) -> [Finding]

    /// Forgets what no row can reach any more, and what is beyond the memory that it may use. A snapshot begins with it; it is
    /// called by itself where there are no snapshots.
    mutating func forget()

    /// All that it must remember, in a layout of its own.
    mutating func snapshot() -> Data

    /// Goes on from a snapshot. A snapshot of a detector whose settings were others may be ignored.
    ///
    /// - Throws: ``StateReader/Damaged`` when the bytes are not what ``snapshot()`` gave.
    mutating func restore(_ snapshot: Data) throws

    /// How far back it may look at lines for evidence, in event time.
    var horizon: Duration { get }

    /// What it needs in memory now.
    var figures: DetectorFigures { get }
}

extension Detector {
    public mutating func forget() {}
}

/// What a detector needs in memory.
public struct DetectorFigures: Sendable, Equatable {
    /// Groups (addresses, users, …) or values that it remembers.
    public var keys = 0
    /// An estimate from the sizes of its tables, as of the last snapshot.
    public var bytes = 0
    /// Keys that were forgotten before their time because there were too many.
    public var forgotten = 0
    /// Of series: the newest value, what was expected of it and its score, of the series whose newest value is the most unusual.
    /// By the name of the statistic, as metrics have it.
    public var mostUnusual: [String: Double] = [:]

    init(keys: Int = 0, bytes: Int = 0, forgotten: Int = 0) {
        self.keys = keys
        self.bytes = bytes
        self.forgotten = forgotten
    }
}

/// The lines that were kept for evidence.
public struct EvidenceSource {
    let cache: EvidenceCache
}

/// Which rows of a pipeline a detector looks at.
public enum RowSource: Sendable, Hashable {
    /// The events of all inputs, as they are in silver.
    case events
    /// The rows of a gold table.
    case table(String)
    /// The findings of the other detectors of the pipeline.
    case findings
}

/// What is done with the findings of a detector.
public enum DetectionMode: String, Sendable, Hashable, Codable, CaseIterable {
    /// Its incidents are notified as routes say.
    case notify
    /// An incident is recorded; nobody is notified of it.
    case simulate
    /// Only detectors that look at findings see them.
    case `internal`
}

/// Columns that must be together in one kind of rows, by the key of the entry that names them.
public struct ColumnRequirement: Sendable {
    /// By the key of the entry that names them: `match`, `group_by`, ….
    public let columns: [(key: String, columns: [String])]

    init(_ columns: [(key: String, columns: [String])]) {
        self.columns = columns
    }
}

/// The entry of a detector in a file of detections: what it is to look for. A new kind of detector is a type with this, its
/// ``Detector``, and a line in ``Detectors/all``.
public protocol DetectorSettings: Sendable, Hashable, Decodable {
    /// What `kind` may say in the file.
    static var kinds: [String] { get }
    /// The one of ``kinds`` that this entry is of.
    var kind: String { get }
    /// In CamelCase, as alerts are named; its runbook has this name.
    var name: String { get }
    /// The pipeline whose rows it looks at; nil for each that has what it names.
    var pipeline: String? { get }
    /// Which of the rows of its pipelines it looks at.
    var rows: RowSource { get }
    /// What is done with its findings.
    var mode: DetectionMode { get }
    /// Of its incidents.
    var severity: Severity { get }
    /// The columns that it needs.
    var requirements: [ColumnRequirement] { get }
    /// How long before a range of time it must see rows to judge those in the range as if it had run all along.
    var lookback: Duration { get }
    /// Relative paths of files in it begin at `folder` from now on.
    mutating func resolveFiles(in folder: String)
    /// A detector with these settings that remembers nothing yet.
    func detector(_ context: DetectorContext) -> any Detector
}

extension DetectorSettings {
    /// Nothing: a model was trained before.
    public var lookback: Duration { .zero }
    /// Nothing: most kinds name no files.
    public mutating func resolveFiles(in folder: String) {}
}

/// What a detector may use of the program.
public struct DetectorContext: Sendable {
    /// How late a row may be, in event time.
    public var allowedLateness: Duration
    /// Where models are kept; nil where there are none, as in tests of rules.
    public var models: ModelRegistry?
    /// The time that a new model bears.
    public var now: @Sendable () -> Timestamp
    /// Is called with what a person who runs obs should know.
    public var note: @Sendable (DetectorNote) -> Void
    /// So many first windows train a model where there is none.
    var rowsToTrain = WindowModel.automaticRows
    /// Whether a time lies within a known incident, and nothing must be learned from it.
    public var isLeftOut: @Sendable (_ incident: FindingIdentity, _ time: Timestamp) -> Bool

    /// - Parameters:
    ///   - models: nil where there are none, as in tests of rules.
    ///   - now: asked only for the time that a new model bears.
    ///   - isLeftOut: no incident is known where this is left out, as in trials of rules.
    public init(
        allowedLateness: Duration, models: ModelRegistry? = nil, now: @escaping @Sendable () -> Timestamp,
        note: @escaping @Sendable (DetectorNote) -> Void = { _ in },
        isLeftOut: @escaping @Sendable (FindingIdentity, Timestamp) -> Bool = { _, _ in false }
    ) {
        self.allowedLateness = allowedLateness
        self.models = models
        self.now = now
        self.note = note
        self.isLeftOut = isLeftOut
    }
}

/// What identifies the incident of a finding.
public typealias FindingIdentity = (name: String, labels: Labels, isSimulated: Bool)

/// What a detector says of itself while it runs.
public enum DetectorNote: Sendable {
    /// A version of a model is in use as champion or challenger from now on, in the place of `old`.
    case modelInUse(ModelRegistry.Entry, alias: String, old: Int?)
    /// No version has that alias any more.
    case modelRetired(name: String, alias: String, version: Int)
    /// The champion or the challenger gave rows these scores.
    case modelScored(name: String, alias: String, scores: [Double])
    /// How far what a model sees now is from its training: population stability indices.
    case modelDrift(name: String, alias: String, features: [(feature: String, index: Double)], scores: Double)
    /// A model was trained on the first windows, because nobody had trained one.
    case modelTrained(ModelRegistry.Entry, took: Duration)
    /// The file of the champion or challenger cannot be used; the version before it is used on.
    case modelDamaged(name: String, error: ModelError)
    /// A version that can be used has taken its place.
    case modelMended(name: String)
    /// A file of values for exceptions cannot be read; `reason` says what is used instead.
    case listUnreadable(file: String, reason: String)
    /// A file of values for exceptions was read, at the start or because it has changed.
    case listRead(file: String)
}

/// The kinds of detector. A new one is a file and a line here.
enum Detectors {
    static let all: [any DetectorSettings.Type] = [
        DetectionRule.self, WindowSettings.self, SeriesSettings.self, SequenceSettings.self,
    ]
}

/// One entry of a file of detections, of any kind.
public struct DetectionEntry: Sendable, Hashable, Decodable {
    /// What its kind says of it.
    public var settings: any DetectorSettings

    /// Of settings that were made in the program.
    public init(_ settings: any DetectorSettings) {
        self.settings = settings
    }

    /// In CamelCase; no two entries of a configuration have the same.
    public var name: String { settings.name }
    /// `rule`, `ensemble`, `forest`, `series` or `sequence`.
    public var kind: String { settings.kind }
    /// The kinds that there are, as metrics name them.
    public static var kinds: [String] { Detectors.all.flatMap { $0.kinds } }

    private enum CodingKeys: CodingKey { case kind }

    /// Of the kind that its key `kind` names; a rule without.
    ///
    /// - Throws: one sentence about the first key that cannot be used.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decodeIfPresent(String.self, forKey: .kind) ?? DetectionRule.kind
        guard let type = Detectors.all.first(where: { $0.kinds.contains(kind) }) else {
            let known = Self.kinds.joined(separator: ", ")
            throw container.refused(.kind, "kind is '\(kind)'; write one of \(known)")
        }
        settings = try type.init(from: decoder)
    }

    /// Whether both are of the same kind and say the same.
    public static func == (left: DetectionEntry, right: DetectionEntry) -> Bool {
        AnyHashable(left.settings) == AnyHashable(right.settings)
    }

    /// Of the settings.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(settings)) }
}
