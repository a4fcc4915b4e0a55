import Columns

/// An alert that somebody posted, such as Prometheus: what it is about, since when, and until when it holds.
public struct Alert: Sendable, Equatable {
    /// What it is about; never empty.
    public var labels: Labels
    /// Texts for people, such as `summary`.
    public var annotations: Labels
    /// Where it came about; empty when its poster did not say.
    public var generatorURL: String
    /// Since when it fires.
    public var startsAt: Timestamp
    /// Until when it holds; it has ended when this is past.
    public var endsAt: Timestamp
    /// When it was received last.
    public var updatedAt: Timestamp
    /// Whether ``endsAt`` was set by us, because its poster gave none.
    public var hasTimeout: Bool

    /// An alert as it was posted. Check ``fault`` before it is stored.
    public init(
        labels: Labels, annotations: Labels = [:], generatorURL: String = "", startsAt: Timestamp,
        endsAt: Timestamp, updatedAt: Timestamp, hasTimeout: Bool = false
    ) {
        self.labels = labels
        self.annotations = annotations
        self.generatorURL = generatorURL
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.updatedAt = updatedAt
        self.hasTimeout = hasTimeout
    }

    /// Whether it has ended.
    public func isResolved(at now: Timestamp) -> Bool { endsAt <= now }

    /// What is known when an alert with the same labels comes in after this one.
    ///
    /// Two that do not overlap in time are two firings, and the later one is what is known. Of two that do, the start is the
    /// earlier one; an end that a poster named holds against an earlier one, unless the alert has ended.
    ///
    /// Source: Alertmanager, provider/mem.Alerts.Put and types.Alert.Merge.
    func updated(by new: Alert, now: Timestamp) -> Alert {
        let overlaps = new.endsAt > startsAt && new.endsAt < endsAt || new.startsAt > startsAt && new.startsAt < endsAt
        guard overlaps else { return new }
        // The younger of the two rules, whichever came in first.
        let (old, young) = new.updatedAt < updatedAt ? (new, self) : (self, new)
        var merged = young
        merged.startsAt = min(old.startsAt, young.startsAt)
        if young.isResolved(at: now) {
            if old.isResolved(at: now), old.endsAt > young.endsAt { merged.endsAt = old.endsAt }
        } else if old.endsAt > young.endsAt, !old.hasTimeout {
            merged.endsAt = old.endsAt
        }
        return merged
    }

    /// What forbids to take it in, or nil.
    ///
    /// Source: prometheus/common, model.Alert.Validate, with limits on sizes added.
    public var fault: String? {
        if endsAt < startsAt { return "start time must be before end time" }
        if labels.isEmpty { return "at least one label pair required" }
        return Self.fault(in: labels, maxValueSize: Self.maxLabelSize).map { "invalid label set: \($0)" }
            ?? Self.fault(in: annotations, maxValueSize: Self.maxAnnotationSize).map { "invalid annotations: \($0)" }
    }

    /// The largest value of a label in bytes, and the most labels.
    static let maxLabelSize = 64 << 10
    static let maxAnnotationSize = 256 << 10
    /// The most labels, and the most annotations.
    public static let maxPairs = 256

    private static func fault(in pairs: Labels, maxValueSize: Int) -> String? {
        if pairs.count > maxPairs { return "\(pairs.count) names, and \(maxPairs) are the most" }
        for (name, value) in pairs {
            if !isName(name) { return "invalid name \"\"" }
            if name.utf8.count > 1024 { return "a name of \(name.utf8.count) bytes, and 1024 are the most" }
            if value.utf8.count > maxValueSize {
                return "the value of \(JSONText.quote(name)) has \(value.utf8.count) bytes, and \(maxValueSize) are the most"
            }
        }
        return nil
    }

    /// Whether a text can name a label: any can but the empty one, such as `service.name` or `k8s.io/app`.
    ///
    /// Source: Prometheus 3, "UTF-8 names"; prometheus/common, model.LabelName.IsValid with UTF8Validation.
    public static func isName(_ text: String) -> Bool { !text.isEmpty }
}
