import Columns
import Incidents

/// An alert as the body of a request has it.
public struct PostedAlert: Sendable, Equatable {
    /// What it is labelled with.
    public var labels: Labels = [:]
    /// What describes it to a person.
    public var annotations: Labels = [:]
    /// Where it came about; empty when the sender does not say.
    public var generatorURL = ""
    /// Nil: it starts when it comes in.
    public var startsAt: Timestamp?
    /// Nil: it fires until `resolve_timeout` is over.
    public var endsAt: Timestamp?

    /// An alert with only labels.
    public init(labels: Labels = [:]) {
        self.labels = labels
    }
}

/// Why one alert of a body is not stored; the others are.
public struct AlertFault: Sendable, Equatable, CustomStringConvertible {
    /// Its index in the body, from 0.
    public let index: Int
    /// Its `alertname`, if it has one.
    public let name: String?
    /// What is wrong with it.
    public let reason: String

    /// A sentence with its index and name.
    public var description: String { "alert \(index)\(name.map { " (\($0))" } ?? ""): \(reason)" }

    init(index: Int, name: String?, reason: String) {
        self.index = index
        self.name = name.map { OutsideText($0).prefix(80) }
        self.reason = reason
    }
}

/// Why a body is refused as a whole: behind its first mistake nothing can be read with certainty.
public struct AlertBodyError: Error, CustomStringConvertible {
    /// As Alertmanager's generated server numbers them: 400 is not JSON or of a wrong type, 601 not a URI, 602 something missing.
    public let code: Int
    /// A sentence for the sender.
    public let description: String
}

/// A body of `POST /api/v2/alerts`, read.
struct PostedAlerts: Sendable {
    /// With the index that each had in the body.
    private(set) var alerts: [(index: Int, alert: PostedAlert)] = []
    private(set) var faults: [AlertFault] = []

    /// Alerts that one body may have.
    static let maxAlerts = 100_000

    /// Reads a list of alerts. As in Alertmanager, text that is not JSON and values of a wrong type refuse the whole body; what
    /// is wrong with the contents of one alert is a fault of that alone. Unknown keys are passed over, the last of two equal ones
    /// counts.
    init(_ body: [UInt8]) throws(AlertBodyError) {
        var scanner = JSONReader(body)
        var current: Int?
        do {
            if try scanner.kind() == .null {
                _ = try scanner.boolean()
            } else {
                try read(&scanner, &current)
            }
            try scanner.end()
        } catch let error as AlertBodyError {
            throw error
        } catch {
            throw AlertBodyError(code: 400, description: "\(current.map { "alert \($0): " } ?? "")the body is not JSON: \(error)")
        }
    }

    /// Reads a list of alerts within another value.
    init(_ scanner: inout JSONReader) throws {
        var current: Int?
        try read(&scanner, &current)
    }

    private mutating func read(_ scanner: inout JSONReader, _ current: inout Int?) throws {
        let kind = try scanner.kind()
        guard kind == .array else {
            throw AlertBodyError(code: 400, description: "the body is \(kind.rawValue); write a list of alerts")
        }
        try scanner.array { scanner, index in
            guard index < Self.maxAlerts else {
                throw AlertBodyError(code: 400, description: "the body has more than \(Self.maxAlerts) alerts; send it in parts")
            }
            current = index
            var reader = AlertReader(index: index)
            try reader.read(&scanner)
            if let fault = reader.fault { faults.append(fault) } else { alerts.append((index, reader.alert)) }
        }
        current = nil
    }
}

/// Reads one alert.
private struct AlertReader {
    let index: Int
    var alert = PostedAlert()
    private var reason: String?

    init(index: Int) { self.index = index }

    var fault: AlertFault? { reason.map { AlertFault(index: index, name: alert.labels["alertname"], reason: $0) } }

    mutating func read(_ scanner: inout JSONReader) throws {
        try expect(.object, "it", &scanner)
        var hasLabels = false
        try scanner.object { scanner, name in
            switch name {
            case "labels":
                hasLabels = try scanner.kind() != .null
                alert.labels = try pairs("labels", &scanner)
            case "annotations": alert.annotations = try pairs("annotations", &scanner)
            case "generatorURL":
                let url = try text("generatorURL", nil, &scanner) ?? ""
                guard url.isEmpty || Self.isURI(url) else {
                    throw refusal(601, "generatorURL \(JSONText.quote(OutsideText(url).prefix(200))) is not a URL")
                }
                alert.generatorURL = url
            case "startsAt": alert.startsAt = try time("startsAt", &scanner)
            case "endsAt": alert.endsAt = try time("endsAt", &scanner)
            default: try scanner.skip()
            }
        }
        guard hasLabels else { throw refusal(602, "it has no labels") }
    }

    private func refusal(_ code: Int, _ text: String) -> AlertBodyError {
        AlertBodyError(code: code, description: "alert \(index): \(text)")
    }

    private func expect(_ kind: JSONReader.Kind, _ what: String, _ scanner: inout JSONReader) throws {
        let found = try scanner.kind()
        guard found == kind else { throw refusal(400, "\(what) is \(found.rawValue); write \(kind.rawValue)") }
    }

    private mutating func pairs(_ key: String, _ scanner: inout JSONReader) throws -> Labels {
        if try scanner.kind() == .null {
            _ = try scanner.boolean()
            return [:]
        }
        try expect(.object, key, &scanner)
        var pairs = Labels()
        pairs.reserveCapacity(8)
        try scanner.object { scanner, name in
            let value = try text(key, name, &scanner)
            if let name, let value {
                // A million names in one alert would cost the memory before Alert.fault counts them.
                if pairs.count <= Alert.maxPairs { pairs[name] = value }
            } else if name == nil {
                reason = "\(key): a name is not valid UTF-8"
            }
        }
        return pairs
    }

    /// The text of a key; empty for null, nil for bytes that are not UTF-8, which is a fault.
    private mutating func text(_ key: String, _ name: String?, _ scanner: inout JSONReader) throws -> String? {
        let kind = try scanner.kind()
        if kind == .null {
            _ = try scanner.boolean()
            return ""
        }
        if kind == .text, let text = try scanner.text() { return text }
        let path = name.map { "\(key): \(JSONText.quote(OutsideText($0).prefix(100)))" } ?? key
        guard kind == .text else { throw refusal(400, "\(path) is \(kind.rawValue); write a text") }
        reason = "\(path) is not valid UTF-8"
        return nil
    }

    /// A point in time; nil for none, which the empty text and Go's zero time are too.
    private mutating func time(_ key: String, _ scanner: inout JSONReader) throws -> Timestamp? {
        guard let text = try text(key, nil, &scanner), !text.isEmpty else { return nil }
        guard let time = Timestamp(posted: text) else {
            throw refusal(
                400, "\(key) \(JSONText.quote(OutsideText(text).prefix(100))) is not a time; write such as 2026-11-21T10:00:00Z")
        }
        if time == Self.zero { return nil }
        if !Self.years.contains(time.components.year) {
            reason = "\(key) \(text) is outside the years \(Self.years.lowerBound) to \(Self.years.upperBound)"
        }
        return time
    }

    /// Go's zero time, however many digits its writer gives it: amtool writes `0001-01-01T00:00:00.000Z`.
    private static let zero = Timestamp(year: 1, month: 1, day: 1)

    /// Up to here the nanoseconds since 1970 fit in 64 bits, in which Prometheus and Alertmanager reckon; a time beyond is a
    /// mistake of its maker.
    private static let years = 1970...2261

    /// A URL with a scheme, or a path: what Go's url.ParseRequestURI takes.
    private static func isURI(_ text: String) -> Bool {
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return false }
        if text.utf8.first == UInt8(ascii: "/") { return true }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon != text.startIndex else { return false }
        let scheme = text.utf8[..<colon]
        return (0x61...0x7A).contains(scheme.first! | 0x20)
            && scheme.allSatisfy { (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0) }
    }
}

extension Alert {
    /// One that came in at `now`: without an end it holds for `resolveTimeout`, without a start it starts now, or at its end.
    ///
    /// Source: Alertmanager, api/v2, postAlertsHandler.
    public init(_ posted: PostedAlert, now: Timestamp, resolveTimeout: Duration) {
        // Most have none that is empty, and a copy costs as much as reading them did.
        self.init(
            labels: posted.labels.contains { $0.value.isEmpty } ? posted.labels.filter { !$0.value.isEmpty } : posted.labels,
            annotations: posted.annotations, generatorURL: posted.generatorURL,
            startsAt: posted.startsAt ?? posted.endsAt ?? now, endsAt: posted.endsAt ?? now + resolveTimeout, updatedAt: now,
            hasTimeout: posted.endsAt == nil)
    }
}

extension Timestamp {
    /// A time as RFC 3339 has it: `2026-11-21T10:00:00.123+01:00`. The seconds and the zone (then UTC) may be left out, a blank
    /// may stand for the `T`, as Alertmanager takes it. Nil for anything else.
    ///
    /// Source: go-openapi/strfmt, DateTimeFormats.
    public init?(posted text: String) {
        let bytes = Array(text.utf8)
        guard let time = ISOTime.read(bytes.span, canLackSeconds: true), time.isValid, time.end == bytes.count else { return nil }
        // Go, in which Alertmanager is written, knows no leap second.
        if bytes.count >= 19, bytes[17..<19].elementsEqual("60".utf8) { return nil }
        self = time.timestamp
    }
}
