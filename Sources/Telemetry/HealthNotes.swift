import Synchronization

/// What is not well although the process goes on: a damaged file, a row that cannot be read, a chore that fails. `/-/ready`
/// lists the notes, and `obs_degraded` counts them.
///
/// `Daemon` makes one and hands it to the rooms; any thread may write to it.
public final class HealthNotes: Sendable {
    /// What is wrong; the raw value is the label of the metric.
    public enum Kind: String, Sendable, CaseIterable {
        /// A file that is not what was written; the sentence names it.
        case damagedFile = "damaged_file"
        /// Rows of the store that are passed over.
        case unreadableRow = "unreadable_row"
        /// Work beside the pipelines and the notifications that fails and is tried again.
        case failingChore = "failing_chore"
    }

    private struct Subject: Hashable {
        let kind: Kind
        let name: String
    }

    private let notes = Mutex<[Subject: String]>([:])

    /// No notes yet.
    public init() {}

    /// Shows the number of notes as a metric.
    public func register(in metrics: MetricsRegistry) {
        metrics.gauge(
            "obs_degraded",
            help:
                "Things that are not well although obs goes on, by kind: damaged files, rows of the store that cannot be read, "
                + "chores that fail. /-/ready names them.",
            labels: ["kind"]
        ) { [weak self] in
            guard let self else { return [] }
            let subjects = notes.withLock { $0.keys.map(\.kind) }
            return Kind.allCases.map { kind in ([kind.rawValue], Double(subjects.count { $0 == kind })) }
        }
    }

    /// Writes down what is wrong with `name`, in one sentence.
    ///
    /// - Returns: whether this is new.
    @discardableResult
    public func note(_ kind: Kind, _ name: String, _ sentence: String) -> Bool {
        notes.withLock { $0.updateValue(sentence, forKey: Subject(kind: kind, name: name)) != sentence }
    }

    /// `name` is well, or well again.
    public func clear(_ kind: Kind, _ name: String) {
        notes.withLock { $0[Subject(kind: kind, name: name)] = nil }
    }

    /// Puts these, by name, in the place of all of a kind.
    ///
    /// - Returns: the names that are new.
    @discardableResult
    public func replace(_ kind: Kind, with sentences: [String: String]) -> [String] {
        notes.withLock { notes in
            let known = Set(notes.keys.filter { $0.kind == kind }.map(\.name))
            for name in known.subtracting(sentences.keys) { notes[Subject(kind: kind, name: name)] = nil }
            for (name, sentence) in sentences { notes[Subject(kind: kind, name: name)] = sentence }
            return sentences.keys.filter { !known.contains($0) }.sorted()
        }
    }

    /// The sentences, in a stable order.
    public var all: [String] { notes.withLock { $0.values.sorted() } }
}
