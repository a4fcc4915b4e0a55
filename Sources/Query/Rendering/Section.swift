import Columns
import Detection

/// A part of a text for people: content without a format. ``TextLine``, ``HTML`` and ``MarkdownText`` draw it.
struct Section: Sendable {
    let title: String
    let blocks: [Block]

    init(_ title: String, _ blocks: Block...) {
        self.title = title
        self.blocks = blocks
    }

    init(_ title: String, _ blocks: [Block]) {
        self.title = title
        self.blocks = blocks
    }
}

/// What a section consists of.
enum Block: Sendable {
    /// Records: a table in Markdown, one line per record elsewhere.
    case records([RecordColumn], [[Cell]])
    /// What happened, oldest first. A page shows the newest first.
    case timeline([Moment])
    /// Lines of logs from anywhere, with the words that are to be marked.
    case lines([LogLine], marking: [String])
    /// Consecutive lines of one file, some of which are what it is about.
    case excerpt(file: String, [(line: LogLine, isMarked: Bool)], marking: [String])
    /// A text in one paragraph.
    case paragraph([Cell])
    /// A text in Markdown.
    case markdown(String)
    /// A link to another page, relative to this one; pages only.
    case link(String, to: String)
}

/// A column of ``Block/records(_:_:)``.
struct RecordColumn: Sendable {
    let name: String
    /// What separates the cell from the one before it where a record is a line, and what follows it.
    var before = "  ", after = ""

    init(_ name: String, before: String = "  ", after: String = "") {
        self.name = name
        self.before = before
        self.after = after
    }
}

/// A value in a text, which a renderer may link, color or format.
enum Cell: Sendable {
    case text(String)
    /// Text from a log or a command, to be shown in a fixed width.
    case code(String)
    /// The id of another incident.
    case incident(String)
    case severity(Severity)
    case time(Timestamp)

    /// The value as plain text.
    var text: String {
        switch self {
        case .text(let text), .code(let text), .incident(let text): text
        case .severity(let severity): severity.rawValue
        case .time(let time): Shown.time(time)
        }
    }
}

/// An entry of a timeline.
struct Moment: Sendable {
    let time: Timestamp
    let actor: String
    let text: String
}

/// A line of a log.
struct LogLine: Sendable {
    let file: String
    let offset: Int64
    let text: String
}

/// Where a section is read.
enum Medium: Sendable {
    /// A terminal, a pipe, or the browser of a phone.
    case text
    /// A page in a browser.
    case page
    /// The draft of a review, in Markdown.
    case review
}
