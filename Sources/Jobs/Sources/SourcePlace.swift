import Columns
import Configuration
import Ingest

extension Configuration.SourceEntry {
    /// What it reads, as people name it.
    public var place: String {
        switch kind {
        case .file(let path), .folder(let path): path
        case .http: "/api/v1/ingest/\(name)"
        case .sqlite(let path, let table, _): "\(path)#\(table)"
        }
    }

    /// What it finds there now.
    public func look() -> SourceLook {
        switch kind {
        case .file(let path): .followed(path)
        case .http: SourceLook()
        case .sqlite(let path, _, _): .file(path)
        case .folder(let path): .folder(path)
        }
    }

    /// The silence of the source that is too long; nil where none is.
    private func limit(_ activity: SourceActivity) -> Duration? {
        switch silence {
        case .after(let limit): return limit
        case .never: return nil
        case .learned:
            // Records in a folder change when somebody changes them, and what has an end is silent behind it.
            if case .folder = kind { return nil }
            if activity.hasEnded { return nil }
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
