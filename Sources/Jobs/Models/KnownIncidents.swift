import Columns
import Detection
import Lake
import Query
import Store

/// What rules and people have said of what windows are about: which of them were attacks or faults, and which were not.
struct KnownIncidents {
    /// What is known of a window.
    enum Judgement {
        /// A rule has found something in it, or somebody has confirmed what a model found.
        case real
        /// Somebody has called what the model found a false positive.
        case falseAlarm
    }

    private struct Span {
        var times: ClosedRange<Timestamp>
        var judgement: Judgement
    }

    private var spans: [OutsideText: [Span]] = [:]
    private let settings: WindowSettings

    /// The incidents that have the label of the model's windows, in a range of event time.
    init(_ store: Store, _ settings: WindowSettings, _ range: ClosedRange<Timestamp>) throws {
        self.settings = settings
        for incident in try JudgedIncident.all(in: store, from: range.lowerBound, to: range.upperBound) {
            guard let subject = incident.labels[settings.by], incident.startsAt <= incident.lastSeen else { continue }
            let isOwn = incident.name == settings.name
            // What a model found and nobody has judged says nothing.
            guard let verdict = incident.verdict ?? (isOwn ? nil : .right), !(verdict == .wrong && !isOwn) else { continue }
            spans[OutsideText(subject), default: []].append(
                Span(times: incident.startsAt...incident.lastSeen, judgement: verdict == .right ? .real : .falseAlarm))
        }
    }

    /// What is known of row `row` of a batch of windows; nil when nothing is.
    func judgement(of windows: Batch, row: Int) -> Judgement? {
        guard !spans.isEmpty, let subject = windows[settings.by]?.label(at: row), let known = spans[OutsideText(subject)],
            let start = windows["window_start"]?.integer(at: row), let end = windows["window_end"]?.integer(at: row)
        else { return nil }
        let hits = known.filter { $0.times.upperBound.microseconds >= start && $0.times.lowerBound.microseconds < end }
        return hits.contains { $0.judgement == .real } ? .real : hits.first?.judgement
    }
}

/// The windows of a model's gold table.
struct ModelWindows {
    let workspace: Workspace
    let settings: WindowSettings

    /// Calls `body` with the windows that began in a range of event time, batch by batch.
    func scan(_ range: ClosedRange<Timestamp>, _ body: (Batch) throws -> Void) throws {
        let times = range.lowerBound.microseconds...range.upperBound.microseconds
        try workspace.lake.table("gold." + settings.table).scan(times: ("window_start", range)) { batch in
            guard let starts = batch["window_start"] else { return true }
            let rows = (0..<batch.count).filter { starts.integer(at: $0).map(times.contains) ?? false }
            if !rows.isEmpty { try body(rows.count == batch.count ? batch : batch.gather(rows)) }
            return true
        }
    }

    /// The windows to train on: without those in which something is known to have happened, so that attacks among them do not
    /// become what is usual.
    func training(_ range: ClosedRange<Timestamp>) throws -> (windows: [Batch], leftOut: Int) {
        let known = try KnownIncidents(workspace.store, settings, range)
        var windows: [Batch] = [], leftOut = 0
        try scan(range) { batch in
            let rows = (0..<batch.count).filter { known.judgement(of: batch, row: $0) != .real }
            leftOut += batch.count - rows.count
            windows.append(rows.count == batch.count ? batch : batch.gather(rows))
        }
        return (windows, leftOut)
    }
}
