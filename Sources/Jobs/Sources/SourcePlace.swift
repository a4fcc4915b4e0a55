import Columns
import Configuration
import Ingest

extension Configuration.SourceEntry {
    /// What it reads, as people name it.
    public var place: String { settings.place(of: name) }

    /// What it finds there now.
    public func look() -> SourceLook { settings.look() }

    /// The silence of the source that is too long; nil where none is.
    private func limit(_ activity: SourceActivity) -> Duration? {
        switch silence {
        case .after(let limit): return limit
        case .never: return nil
        case .learned:
            // What has an end is silent behind it.
            guard settings.hasHabit, !activity.hasEnded else { return nil }
            return activity.lastLine == nil ? SourceHabit.unknown : activity.habit.limit
        }
    }

    /// How the source is, after a look at its place and by what has come from it.
    ///
    /// - Parameters:
    ///   - format: that its lines are to have.
    ///   - since: from when on a line would have been seen.
    public func state(_ look: SourceLook, _ activity: SourceActivity, format: String, since: Timestamp, now: Timestamp)
        -> SourceState
    {
        if let problem = look.problem { return problem }
        if let lines = activity.refused(now: now) { return .notUnderstood(lines: lines, format: format, place: place) }
        let last = max(activity.lastLine ?? since, since)
        if let limit = limit(activity), now - last > limit {
            return .silent(since: last, for: now - last, limit: limit, place: place)
        }
        return .reading
    }
}
