import Columns

/// How a source is: whether its lines are read, and if they are not, why.
///
/// The same value is shown wherever somebody looks: `obs check config`, the log, `obs_source_up`, `/-/ready`, `obs check health`
/// and the page.
public enum SourceState: Sendable, Equatable {
    /// What is named is there and is read; there may be nothing new in it.
    case reading
    /// Nothing is there; it is read as soon as it appears.
    case missing(String)
    /// What gives the lines is not on this machine; the sentence says what, and what to do.
    case unavailable(sentence: String)
    /// It is there, and this user may not read it.
    case unreadable(String, access: FileAccess)
    /// A FIFO, a folder, a socket or a device: nothing that can be read again after a restart.
    case irregular(String, kind: String)
    /// So many lines came, and the format made an event of none of them.
    case notUnderstood(lines: Int, format: String, place: String)
    /// Nothing came for longer than is usual for it.
    case silent(since: Timestamp, for: Duration, limit: Duration, place: String)

    /// The label `reason` of `obs_source_up`: a closed set.
    public enum Reason: String, CaseIterable, Sendable {
        case reading, missing, unreadable, silent
        case irregular = "not_regular"
        case notUnderstood = "not_understood"
    }

    /// The state without its details, as the metric has it.
    public var reason: Reason {
        switch self {
        case .reading: .reading
        case .missing, .unavailable: .missing
        case .unreadable: .unreadable
        case .irregular: .irregular
        case .notUnderstood: .notUnderstood
        case .silent: .silent
        }
    }

    /// Whether lines can come.
    public var isUp: Bool { self == .reading }

    /// Whether the operating system lets it be read at all, whatever comes of it.
    public var canBeOpened: Bool {
        switch self {
        case .reading, .notUnderstood, .silent: true
        case .missing, .unavailable, .unreadable, .irregular: false
        }
    }

    /// What is wrong, where, and what to do; nil when nothing is.
    public var sentence: String? {
        switch self {
        case .reading: nil
        case .missing(let path):
            SourcePattern.isPattern(path)
                ? "no file matches \(path); it is read as soon as one appears, or correct the pattern"
                : "\(path): there is no such file; it is read as soon as it appears, or correct the path"
        case .unavailable(let sentence): sentence
        case .unreadable(let path, let access): "\(path): user '\(access.user)' may not read it; \(access.remedy)"
        case .irregular(let path, "FIFO"):
            "\(path): is a FIFO, which 'file' does not follow; name it under 'pipe' in the place of 'file'"
        case .irregular(let path, let kind):
            "\(path): is a \(kind), and only regular files are followed; name a file, or push the lines to a source with "
                + "'http: true'"
        case .notUnderstood(let lines, let format, let place):
            "\(place): none of its first \(lines == 1 ? "line is" : "\(lines) lines are") understood as '\(format)'; look with "
                + "'obs parse --format \(format) FILE' and name the pipeline that fits"
        case .silent(_, let time, let limit, let place):
            "\(place): no line for \(time.rounded), and \(limit.rounded) is the longest that is usual; look whether what "
                + "writes it runs, or set silent_after"
        }
    }
}

/// Who asks for a file that may not be read, and who may.
public struct FileAccess: Sendable, Equatable {
    /// The user as whom obs runs.
    public var user: String
    /// The group whose members may read it; nil when no group may.
    public var group: String?
    /// The path of a folder that is closed, where it is that and not the file.
    public var folder: String?

    /// Access is refused to `user`.
    public init(user: String, group: String? = nil, folder: String? = nil) {
        self.user = user
        self.group = group
        self.folder = folder
    }

    var remedy: String {
        if let group { return "add it to the group that may with 'usermod -aG \(group) \(user)', and start obs again" }
        if let folder { return "open the folder \(folder) to it, or run obs as who may" }
        return "change its permissions, or run obs as who may"
    }
}

/// A source as it is shown.
public struct SourceReport: Sendable, Equatable {
    /// Of the source.
    public var name: String
    /// That the source feeds.
    public var pipeline: String
    /// What it reads, as the configuration names it: a path or pattern, a table of a database, an address that lines are pushed
    /// to.
    public var place: String
    /// How it was found last.
    public var state: SourceState
    /// When its newest line came; nil before the first.
    public var lastLine: Timestamp?

    /// The report of one source.
    public init(name: String, pipeline: String, place: String, state: SourceState, lastLine: Timestamp?) {
        self.name = name
        self.pipeline = pipeline
        self.place = place
        self.state = state
        self.lastLine = lastLine
    }

    /// Which source it is, what is wrong with it, and what to do; nil when nothing is wrong.
    public var problem: String? { state.sentence.map { "source '\(name)': \($0)" } }
}

extension Duration {
    /// With one unit, as people say it: `45 s`, `12 min`, `3 h`, `5 d`.
    var rounded: String {
        let seconds = components.seconds
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
