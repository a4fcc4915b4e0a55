import Columns
import Glibc
import Logging
import Synchronization

extension Logger {
    /// A logger that writes to standard error: for a person when that is a terminal, one JSON object per line otherwise. Its
    /// JSON lines bear a `run_id` that is the same in all lines of one logger.
    ///
    /// - Parameter hasColor: whether a terminal shows levels in color.
    public static func onStandardError(_ label: String, level: Logger.Level, hasColor: Bool) -> Logger {
        let runID = RandomName.hexadecimal(digits: 12)
        return Logger(label: label) { label in
            let output = LogOutput.standardError
            if output.isTerminal { return TerminalLogHandler(level: level, output: output, hasColor: hasColor) }
            var handler = JSONLogHandler(label: label, level: level, output: output)
            handler[metadataKey: "run_id"] = "\(runID)"
            return handler
        }
    }
}

/// A file descriptor for log lines: one `write` per line under a lock, so that lines of several threads never mix.
final class LogOutput: Sendable {
    private let descriptor: Mutex<Int32>

    static let standardError = LogOutput(descriptor: 2)

    init(descriptor: Int32) {
        self.descriptor = Mutex(descriptor)
    }

    /// Appends to the file at `path`, which is created if it does not exist. Nil if it cannot be opened.
    convenience init?(path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return nil }
        self.init(descriptor: descriptor)
    }

    var isTerminal: Bool { descriptor.withLock { isatty($0) == 1 } }

    func write(_ line: String) {
        var line = line
        descriptor.withLock { descriptor in
            // A log line that cannot be written has nowhere to be reported.
            line.withUTF8 { bytes in _ = bytes.span.writeAll(to: descriptor) }
        }
    }
}

/// One JSON object per line: `ts`, `level`, `msg`, `logger`, then the facts of the event as fields.
///
/// Numbers and booleans that were given as such in the metadata (`"\(rows)"` included) are written as JSON numbers and
/// booleans, so that a reader need not guess; everything else is a string.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let label: String
    private let output: LogOutput

    init(label: String, level: Logger.Level = .info, output: LogOutput = .standardError) {
        self.label = label
        self.output = output
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let message = JSONText.quote(event.message.description)
        var line = "{\"ts\":\"\(Timestamp.now.withMilliseconds)\",\"level\":\"\(event.level.rawValue)\""
        line += ",\"msg\":\(message),\"logger\":\(JSONText.quote(label))"
        for (key, value) in merged(metadata, metadataProvider, event) {
            line += ",\(JSONText.quote(key)):\(JSONText.render(value))"
        }
        output.write(line + "}\n")
    }
}

/// The same for a person at a terminal: `10:00:00.123 INFO  epoch committed  pipeline=ssh rows=4096`.
struct TerminalLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let output: LogOutput
    private let hasColor: Bool

    init(level: Logger.Level = .info, output: LogOutput = .standardError, hasColor: Bool) {
        self.output = output
        self.hasColor = hasColor
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level = event.level.rawValue.uppercased()
        let padded = level + String(repeating: " ", count: max(0, 7 - level.count))
        let color = hasColor ? (event.level >= .error ? "\u{1B}[31m" : event.level == .warning ? "\u{1B}[33m" : "\u{1B}[2m") : ""
        // What a message or a value says may come from outside, and must not drive the terminal.
        let message = OutsideText("\(event.message)").visibleInOneLine
        var line =
            "\(Timestamp.now.withMilliseconds.dropFirst(11).dropLast()) \(color)\(padded)\(hasColor ? "\u{1B}[0m" : "") "
            + "\(message)"
        for (key, value) in merged(metadata, metadataProvider, event) {
            let text = "\(value)"
            let isPlain = !text.unicodeScalars.contains { $0 == " " || $0 == "\"" || $0.isControl || $0.isLineBreak }
            line += " \(key)=\(OutsideText(isPlain ? text : JSONText.quote(text)).visibleJSON)"
        }
        output.write(line + "\n")
    }
}

private func merged(_ own: Logger.Metadata, _ provider: Logger.MetadataProvider?, _ event: LogEvent) -> [(
    String, Logger.Metadata.Value
)] {
    var all = own
    if let provided = provider?.get() { all.merge(provided) { $1 } }
    if let given = event.metadata { all.merge(given) { $1 } }
    return all.sorted { $0.key < $1.key }
}

extension JSONText {
    static func render(_ value: Logger.Metadata.Value) -> String {
        switch value {
        case .string(let text): isNumberOrBool(text) ? text : quote(text)
        case .stringConvertible(let item): isNumberOrBool(item.description) ? item.description : quote(item.description)
        case .array(let items): "[" + items.map(render).joined(separator: ",") + "]"
        case .dictionary(let items):
            "{" + items.sorted { $0.key < $1.key }.map { "\(quote($0.key)):\(render($0.value))" }.joined(separator: ",") + "}"
        }
    }

    /// Whether `text` is a JSON number or boolean as it is. Not `007`, `+1`, `.5`, `1.` or an id of more than 15 digits.
    static func isNumberOrBool(_ text: String) -> Bool {
        if text == "true" || text == "false" { return true }
        var digits = text.utf8[...]
        if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
        let whole = digits.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard (1...15).contains(whole.count), whole.count == 1 || whole.first != UInt8(ascii: "0") else { return false }
        let rest = digits.dropFirst(whole.count)
        guard let dot = rest.first else { return true }
        let fraction = rest.dropFirst()
        return dot == UInt8(ascii: ".") && !fraction.isEmpty
            && fraction.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}
