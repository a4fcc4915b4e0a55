import Columns

/// The two text formats that Prometheus scrapes.
public enum ExpositionFormat: Sendable {
    /// Prometheus text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0: the same with `# UNIT` and `# EOF`.
    case openMetrics

    /// The exact `Content-Type`: Prometheus 3 fails a scrape without a known one.
    public var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format for an `Accept` header: OpenMetrics if it is accepted at all, also behind protobuf, which is not spoken here.
    public init(accept: String?) {
        self = accept.map { OutsideText($0).contains("application/openmetrics-text") } == true ? .openMetrics : .prometheus
    }
}

/// Writes samples in one of the text formats.
///
/// Source: Prometheus, "Exposition formats", text-based format; OpenMetrics 1.0, "ABNF" and "Suffixes".
struct ExpositionWriter: Sendable {
    private let format: ExpositionFormat
    private var text = ""

    init(format: ExpositionFormat) {
        self.format = format
    }

    mutating func begin(_ descriptor: MetricDescriptor) {
        var family = descriptor.name
        // OpenMetrics names a counter's family without the suffix that its sample bears.
        if format == .openMetrics, descriptor.kind == .counter, family.hasSuffix("_total") { family.removeLast("_total".count) }
        text += "# HELP \(family) \(Self.escape(descriptor.help, quotes: format == .openMetrics))\n"
        text += "# TYPE \(family) \(descriptor.kind.rawValue)\n"
        if format == .openMetrics, let unit = ["seconds", "bytes", "ratio"].first(where: { family.hasSuffix("_" + $0) }) {
            text += "# UNIT \(family) \(unit)\n"
        }
    }

    mutating func sample(_ name: String, labels: String, value: Double) {
        text += name
        if !labels.isEmpty { text += "{\(labels)}" }
        text += " \(Self.render(value))"
        text += "\n"
    }

    mutating func finish() -> String {
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    static func render(_ labels: [(String, String)]) -> String {
        labels.map { "\($0)=\"\(escape($1, quotes: true))\"" }.joined(separator: ",")
    }

    /// - Parameter asBound: write `1.0`, not `1`: Prometheus 3 normalises `le` to that, and OpenMetrics asks for it.
    static func render(_ value: Double, asBound: Bool = false) -> String {
        if value == .infinity { return "+Inf" }
        if value == -.infinity { return "-Inf" }
        if value.isNaN { return "NaN" }
        if !asBound, value.rounded() == value, value.magnitude < 1e15 { return String(Int64(value)) }
        return String(value)
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
