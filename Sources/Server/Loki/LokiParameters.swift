import Columns
import HTTPTypes
import LogQL

/// What a request to Loki's API asks for, as its parameters say it.
struct LokiParameters {
    /// The most lines of an answer.
    static let maxLines = 5000

    private let request: RouteRequest
    let now: Timestamp

    init(_ request: RouteRequest, now: Timestamp = .now) {
        self.request = request
        self.now = now
    }

    func query() throws(HTTPFailure) -> String {
        guard let query = request.given("query") else {
            throw Self.bad("the parameter 'query' is missing")
        }
        return query
    }

    /// The selector of `query`; nil when there is none, or only `{}`.
    func selector() throws -> LogSelector? {
        guard let text = request.given("query"), text != "{}" else { return nil }
        return try LogSelector(parsing: text)
    }

    /// The same where it must be there.
    func requiredSelector() throws -> LogSelector { try LogSelector(parsing: try query()) }

    /// From `start` to `end`; an hour (or `since`) up to now without them.
    func range() throws(HTTPFailure) -> ClosedRange<Timestamp> {
        let end = try time("end") ?? now
        var start = try time("start")
        if start == nil, let text = request.given("since") {
            guard let since = Duration(parsing: text) else { throw Self.bad("since is '\(text)'; write a duration such as 1h") }
            start = end - since
        }
        let from = start ?? end - .seconds(3600)
        guard from <= end else { throw Self.bad("the end is before the start") }
        // Loki leaves the end itself out.
        return from...max(from, Timestamp(microseconds: end.microseconds - 1))
    }

    /// From `start` to `end`, with the end, as numbers are asked for.
    func steps() throws(HTTPFailure) -> (range: ClosedRange<Timestamp>, step: Duration) {
        let range = try range()
        let end = try time("end") ?? now
        let closed = range.lowerBound...max(range.lowerBound, end)
        guard let text = request.given("step") else {
            let seconds = (closed.upperBound.microseconds - closed.lowerBound.microseconds) / 250_000_000
            return (closed, .seconds(max(1, seconds)))
        }
        if let seconds = Double(text), seconds > 0, seconds < 1e9 { return (closed, .microseconds(Int64(seconds * 1e6))) }
        guard let step = Duration(parsing: text), step > .zero else {
            throw Self.bad("step is '\(text)'; write seconds or a duration such as 30s")
        }
        return (closed, step)
    }

    /// A time in nanoseconds or seconds since 1970, or in RFC 3339.
    func time(_ name: String) throws(HTTPFailure) -> Timestamp? {
        guard let text = request.given(name) else { return nil }
        if let whole = Int64(text) {
            // As Loki has it: up to ten digits are seconds.
            return text.utf8.count <= 10 ? Timestamp(microseconds: whole * 1_000_000) : Timestamp(microseconds: whole / 1000)
        }
        if let seconds = Double(text), abs(seconds) < 1e11 { return Timestamp(microseconds: Int64(seconds * 1e6)) }
        if let time = Timestamp(rfc3339: text) { return time }
        throw Self.bad("\(name) is '\(OutsideText(text).prefix(60))'; write nanoseconds or seconds since 1970, or RFC 3339")
    }

    func limit(_ fallback: Int = 100) throws(HTTPFailure) -> Int {
        guard let text = request.given("limit") else { return fallback }
        guard let limit = Int(text), limit > 0 else { throw Self.bad("limit is '\(text)'; write a number above 0") }
        guard limit <= Self.maxLines else {
            throw Self.bad("limit is \(limit); at most \(Self.maxLines) are given at a time")
        }
        return limit
    }

    /// Whether the oldest lines come first.
    func isForward() throws(HTTPFailure) -> Bool {
        switch request.given("direction") {
        case nil, "backward", "BACKWARD": return false
        case "forward", "FORWARD": return true
        case let text?: throw Self.bad("direction is '\(OutsideText(text).prefix(60))'; write forward or backward")
        }
    }

    /// Whether labels are to be kept apart by where they come from.
    var isCategorized: Bool {
        request.headers[.init("X-Loki-Response-Encoding-Flags")!].map { OutsideText($0).contains("categorize-labels") } ?? false
    }

    /// The selectors of `match[]`.
    func matches() throws -> [LogSelector] {
        let texts = request.query.filter { $0.name == "match[]" || $0.name == "match" }.map(\.value)
        return try texts.map { try LogSelector(parsing: $0) }
    }

    /// The labels by which a volume is counted; nil for all.
    var targetLabels: [OutsideText]? {
        request.given("targetLabels").map { OutsideText($0).split { $0 == "," }.map { OutsideText($0) } }
    }

    static func bad(_ message: String) -> HTTPFailure { HTTPFailure(.badRequest, code: "bad_query", message) }
}
