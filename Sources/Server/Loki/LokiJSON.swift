import Columns
import LogQL
import Query

/// Answers in the shape of Loki's API.
///
/// Source: Grafana Loki's documentation, "Loki HTTP API", "Query logs within a range of time" and what follows.
struct LokiJSON {
    private(set) var bytes: [UInt8] = []

    /// `{"status":"success","data":…}`
    static func success(_ data: (inout LokiJSON) -> Void) -> RouteResponse {
        var json = LokiJSON()
        json.raw("{\"status\":\"success\",\"data\":")
        data(&json)
        json.raw("}\n")
        return RouteResponse(contentType: "application/json", body: json.bytes)
    }

    /// Without that frame.
    static func plain(_ data: (inout LokiJSON) -> Void) -> RouteResponse {
        var json = LokiJSON()
        data(&json)
        json.raw("\n")
        return RouteResponse(contentType: "application/json", body: json.bytes)
    }

    mutating func raw(_ text: String) { bytes += text.utf8 }
    mutating func text(_ text: String) { JSONText.append(quoted: text, to: &bytes) }

    mutating func list<Element>(_ elements: some Sequence<Element>, _ body: (inout LokiJSON, Element) -> Void) {
        raw("[")
        var isFirst = true
        for element in elements {
            if !isFirst { raw(",") }
            isFirst = false
            body(&self, element)
        }
        raw("]")
    }

    mutating func object(_ pairs: some Sequence<(String, String)>) {
        raw("{")
        var isFirst = true
        for (name, value) in pairs {
            if !isFirst { raw(",") }
            isFirst = false
            text(name)
            raw(":")
            text(value)
        }
        raw("}")
    }

    /// Seconds since 1970.
    private mutating func seconds(_ microseconds: Int64) {
        let (whole, rest) = (microseconds / 1_000_000, microseconds % 1_000_000)
        raw(rest == 0 ? "\(whole)" : "\(Double(microseconds) / 1e6)")
    }

    /// A number as Prometheus and Loki write it: in quotes.
    private mutating func number(_ value: Double) {
        let text =
            switch value {
            case .infinity: "+Inf"
            case -.infinity: "-Inf"
            case _ where value.isNaN: "NaN"
            case _ where value == value.rounded() && abs(value) < 1e15: "\(Int64(value))"
            default: "\(value)"
            }
        self.text(text)
    }

    // MARK: Queries

    /// - Parameter isCategorized: whether labels, fields of the table and fields of stages are kept apart.
    mutating func answer(_ answer: LogAnswer, oldestFirst: Bool = false, isCategorized: Bool = false) {
        switch answer {
        case .lines(let lines): streams(lines, isCategorized)
        case .numbers(let value, let steps): numbers(value, steps)
        }
    }

    private mutating func streams(_ lines: [LogAnswer.Line], _ isCategorized: Bool) {
        var order: [Labels] = [], groups: [Labels: [LogAnswer.Line]] = [:]
        for line in lines {
            let labels =
                isCategorized
                ? line.labels
                : Labels((line.fields + line.extracted).map { ($0.name, $0.value) })
                    .merging(line.labels)
            if groups[labels] == nil { order.append(labels) }
            groups[labels, default: []].append(line)
        }
        raw("{\"resultType\":\"streams\",")
        if isCategorized { raw("\"encodingFlags\":[\"categorize-labels\"],") }
        raw("\"result\":")
        list(order) { json, labels in
            json.raw("{\"stream\":")
            json.object(labels.map { ($0.key, $0.value) })
            json.raw(",\"values\":")
            json.list(groups[labels] ?? []) { json, line in
                json.raw("[\"\(line.time.microseconds)000\",")
                json.text(line.text)
                if isCategorized {
                    json.raw(",{")
                    if !line.fields.isEmpty {
                        json.raw("\"structuredMetadata\":")
                        json.object(line.fields.map { ($0.name, $0.value) })
                    }
                    if !line.extracted.isEmpty {
                        json.raw(line.fields.isEmpty ? "\"parsed\":" : ",\"parsed\":")
                        json.object(line.extracted.map { ($0.name, $0.value) })
                    }
                    json.raw("}")
                }
                json.raw("]")
            }
            json.raw("}")
        }
        raw(",\"stats\":{}}")
    }

    private mutating func numbers(_ value: MetricValue, _ steps: Steps) {
        let isRange = steps.step > 0
        if case .scalar(let numbers) = value, !isRange {
            raw("{\"resultType\":\"scalar\",\"result\":[")
            seconds(steps.time(0))
            raw(",")
            number(numbers[0])
            return raw("],\"stats\":{}}")
        }
        let series: SeriesSet =
            switch value {
            case .scalar(let numbers): [Labels(): numbers]
            case .series(let series): series
            }
        raw("{\"resultType\":\"\(isRange ? "matrix" : "vector")\",\"result\":")
        let sorted = series.filter { $0.value.contains { $0 != nil } }
            .sorted { $0.key.description.precedesByBytes($1.key.description) }
        list(sorted) { json, entry in
            json.raw("{\"metric\":")
            json.object(entry.key.map { ($0.key, $0.value) })
            json.raw(isRange ? ",\"values\":" : ",\"value\":")
            let points = entry.value.enumerated().compactMap { index, value in value.map { (steps.time(index), $0) } }
            if isRange {
                json.list(points) { json, point in json.point(point) }
            } else {
                json.point(points[0])
            }
            json.raw("}")
        }
        raw(",\"stats\":{}}")
    }

    private mutating func point(_ point: (Int64, Double)) {
        raw("[")
        seconds(point.0)
        raw(",")
        number(point.1)
        raw("]")
    }
}
