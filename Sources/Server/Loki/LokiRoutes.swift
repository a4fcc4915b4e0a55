import Columns
import HTTPTypes
import Lake
import LogQL
import Query

/// Loki's API for reading, over bronze and silver: what Grafana's Explore, its Logs Drilldown and logcli ask for.
enum LokiRoutes {
    static func all(_ lake: Lake, version: String) -> [Route] {
        let logs = LogQuestions(lake)
        return queries(logs) + labels(logs) + figures(logs) + [
            route("/status/buildinfo", "getLokiBuild", "The version of obs, in Loki's place for its own") { _ in
                .json("{\"version\":\(JSONText.quote(version)),\"revision\":\"\",\"branch\":\"\",\"goVersion\":\"\"}\n")
            },
            route("/tail", "tailLogs", "Refused: lines are not streamed as they come", refusals: [501]) { _ in
                throw HTTPFailure(
                    .notImplemented, code: "no_tail",
                    "lines are not streamed as they come; ask for query_range again after a moment")
            },
        ]
    }

    // MARK: Queries

    private static func queries(_ logs: LogQuestions) -> [Route] {
        [
            route(
                "/query_range", "queryLogs", "Lines, or numbers made of them, over a range of time",
                [query, start, end, since, step, limit, direction]
            ) { parameters in
                let (range, step) = try parameters.steps(), isForward = try parameters.isForward()
                let text = try parameters.query()
                let answer = try logs.answer(
                    text, in: range, step: step, limit: try parameters.limit(), oldestFirst: isForward)
                return LokiJSON.success { $0.answer(answer, isCategorized: parameters.isCategorized) }
            },
            route(
                "/query", "queryLogsAtOnce", "Numbers made of lines, at one time",
                [query, .text("time", "When; now without it")]
            ) { parameters in
                let answer = try logs.answer(try parameters.query(), at: try parameters.time("time") ?? parameters.now)
                return LokiJSON.success { $0.answer(answer) }
            },
        ]
    }

    // MARK: Labels

    private static func labels(_ logs: LogQuestions) -> [Route] {
        let names: @Sendable (LokiParameters, RouteRequest) throws -> RouteResponse = { _, _ in
            let labels = try logs.labels()
            return LokiJSON.success { $0.list(labels) { $0.text($1) } }
        }
        return [
            route("/labels", "listLogLabels", "The names of labels", [start, end, since], names),
            route("/label", "listLogLabelsAlso", "The same, by its older name", [start, end, since], names),
            route("/label/{name}/values", "listLogLabelValues", "The values of a label", [start, end, since, query]) {
                parameters, request in
                let values = try logs.values(
                    of: request.parameter("name"), in: try parameters.range(), where: try parameters.selector())
                return LokiJSON.success { $0.list(values) { $0.text($1) } }
            },
            route(
                "/series", "listLogStreams", "The labels of streams",
                [.text("match[]", "A selector; several may be given"), start, end, since]
            ) { parameters in
                let selectors = try parameters.matches()
                let all = selectors.isEmpty ? [try LogSelector(parsing: "{layer=~\".+\"}")] : selectors
                let series = try logs.series(all, in: try parameters.range())
                return LokiJSON.success { json in
                    json.list(series) { json, labels in json.object(labels.map { ($0.key, $0.value) }) }
                }
            },
            route("/detected_labels", "listLogLabelCounts", "Labels with the number of their values", [query, start, end]) {
                parameters in
                let selector = try parameters.selector(), range = try parameters.range()
                let counted = try logs.labels().map { ($0, try logs.values(of: $0, in: range, where: selector).count) }
                return LokiJSON.plain { json in
                    json.raw("{\"detectedLabels\":")
                    json.list(counted.filter { $0.1 > 0 }) { json, entry in
                        json.raw("{\"label\":")
                        json.text(entry.0)
                        json.raw(",\"cardinality\":\(entry.1)}")
                    }
                    json.raw("}")
                }
            },
            route("/detected_fields", "listLogFields", "The fields of lines", [query, start, end, limit]) { parameters in
                let fields = try logs.fields(try parameters.requiredSelector(), in: try parameters.range())
                return LokiJSON.plain { json in
                    json.raw("{\"fields\":")
                    json.list(fields) { json, field in
                        json.raw("{\"label\":")
                        json.text(field.name)
                        json.raw(",\"type\":\"\(field.kind)\",\"cardinality\":\(field.cardinality),\"parsers\":null}")
                    }
                    json.raw(",\"limit\":1000}")
                }
            },
            route("/detected_field/{name}/values", "listLogFieldValues", "The values of a field", [query, start, end, limit]) {
                parameters, request in
                let fields = try logs.fields(try parameters.requiredSelector(), in: try parameters.range())
                let name = OutsideText(request.parameter("name"))
                let values = fields.first { OutsideText($0.name) == name }?.values ?? []
                let limit = try parameters.limit(1000)
                return LokiJSON.plain { json in
                    json.raw("{\"values\":")
                    json.list(values.prefix(limit)) { $0.text($1) }
                    json.raw(",\"limit\":\(limit)}")
                }
            },
        ]
    }

    // MARK: Figures

    private static func figures(_ logs: LogQuestions) -> [Route] {
        [
            route("/index/stats", "getLogFigures", "How many streams, lines and bytes a query reads", [query, start, end]) {
                parameters in
                let figures = try logs.volume(try parameters.requiredSelector(), in: try parameters.range())
                return .json(
                    "{\"streams\":\(figures.streams),\"chunks\":0,\"bytes\":\(figures.bytes),\"entries\":\(figures.lines)}\n")
            },
            route(
                "/index/volume", "getLogVolume", "Bytes by labels, over the whole range", [query, start, end, limit, target]
            ) { parameters in
                let range = try parameters.range()
                let whole = Duration.microseconds(range.upperBound.microseconds - range.lowerBound.microseconds + 1)
                let text = try volume(parameters, over: whole)
                let answer = try logs.answer(text, at: Timestamp(microseconds: range.upperBound.microseconds))
                return LokiJSON.success { $0.answer(answer) }
            },
            route(
                "/index/volume_range", "getLogVolumes", "Bytes by labels, in each step", [query, start, end, step, limit, target]
            ) { parameters in
                let (range, step) = try parameters.steps()
                let answer = try logs.answer(
                    try volume(parameters, over: step), in: range, step: step, limit: 1, oldestFirst: false)
                return LokiJSON.success { $0.answer(answer) }
            },
            route("/patterns", "listLogPatterns", "Templates of lines with their counts", [query, start, end, step]) {
                parameters in
                let (range, step) = try parameters.steps()
                let patterns = try logs.patterns(try parameters.requiredSelector(), in: range, step: step)
                return LokiJSON.success { json in
                    json.list(patterns.prefix(300)) { json, entry in
                        json.raw("{\"pattern\":")
                        json.text(entry.pattern)
                        json.raw(",\"samples\":")
                        json.list(entry.counts) { json, count in
                            json.raw("[\(count.time.microseconds / 1_000_000),\(count.count)]")
                        }
                        json.raw("}")
                    }
                }
            },
        ]
    }

    /// The query that counts the bytes of a selector by the labels that are asked for.
    private static func volume(_ parameters: LokiParameters, over range: Duration) throws -> String {
        let selector = try parameters.requiredSelector()
        let named = parameters.targetLabels ?? selector.matchers.map { OutsideText($0.name) }
        let names = named.map(\.string).filter { !$0.isEmpty && $0.utf8.allSatisfy { $0.isASCIIWord } }
        let matchers = selector.matchers.map(\.description).joined(separator: ",")
        let (seconds, attoseconds) = range.components
        let milliseconds = max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        let limit = try parameters.limit()
        return "topk(\(limit), sum by (\(names.joined(separator: ","))) (bytes_over_time({\(matchers)}[\(milliseconds)ms])))"
    }

    // MARK: Routes

    private static let query = Operation.Parameter.text("query", "A query in LogQL")
    private static let start = Operation.Parameter.text("start", "From when; an hour ago without it")
    private static let end = Operation.Parameter.text("end", "Until when; now without it")
    private static let since = Operation.Parameter.text("since", "How far back, where there is no start")
    private static let step = Operation.Parameter.text("step", "Seconds, or a duration, between two numbers")
    private static let limit = Operation.Parameter.number("limit", "The most lines", 1...LokiParameters.maxLines)
    private static let direction = Operation.Parameter.word("direction", "Which come first", of: ["forward", "backward"])
    private static let target = Operation.Parameter.text("targetLabels", "The labels to count by, with commas")

    private static func route(
        _ path: String, _ id: String, _ summary: String, _ parameters: [Operation.Parameter] = [], refusals: [Int] = [400],
        _ respond: @escaping @Sendable (LokiParameters) throws -> RouteResponse
    ) -> Route {
        route(path, id, summary, parameters, refusals: refusals) { parameters, _ in try respond(parameters) }
    }

    private static func route(
        _ path: String, _ id: String, _ summary: String, _ parameters: [Operation.Parameter] = [], refusals: [Int] = [400],
        _ respond: @escaping @Sendable (LokiParameters, RouteRequest) throws -> RouteResponse
    ) -> Route {
        Route(
            .get, "/loki/api/v1" + path,
            Operation(id, .data, summary) {
                $0.parameters = parameters
                $0.response = .json(["type": "object"])
                $0.responseSummary = "As Loki gives it"
                $0.refusals = refusals
            }
        ) { request in
            do {
                return try respond(LokiParameters(request), request)
            } catch let error as LogQLError {
                if case .notSupported = error { throw HTTPFailure(.badRequest, code: "not_supported", error.description) }
                throw LokiParameters.bad(error.description)
            }
        }
    }
}

extension UInt8 {
    /// A letter of ASCII, a digit or `_`.
    fileprivate var isASCIIWord: Bool { isDigit || (0x61...0x7A).contains(self | 0x20) || self == UInt8(ascii: "_") }
}
