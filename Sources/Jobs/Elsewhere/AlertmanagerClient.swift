import Alerting
import Incidents
import Columns
import Configuration
import Foundation
import Transfer

/// An obs that runs elsewhere, or an Alertmanager, asked by its API v2: for the commands that are given `--url`.
public struct AlertmanagerClient: Sendable {
    /// Why a server did not do what it was asked.
    public enum Failure: Error, CustomStringConvertible {
        case badURL(String)
        case noAnswer(String, reason: String)
        case refused(String, status: Int, reason: String)
        case badAnswer(String, reason: String)

        /// One sentence with the URL.
        public var description: String {
            switch self {
            case .badURL(let url): "--url is '\(url)'; write such as http://127.0.0.1:9464"
            case .noAnswer(let url, let reason): "\(url) does not answer: \(reason); is obs running there?"
            case .refused(let url, let status, let reason): "\(url) refuses with \(status): \(reason)"
            case .badAnswer(let url, let reason): "\(url) does not answer as Alertmanager's API v2 does: \(reason)"
            }
        }
    }

    /// A hundred thousand alerts.
    private static let maxAnswer = 256 << 20

    private let url: String
    private let token: String?
    private let authorities: String?

    /// - Parameters:
    ///   - url: with its path prefix, if it has one.
    ///   - token: what requests are sent with; nil for none.
    ///   - authorities: a file with the issuers of the server's certificate; nil for those that the machine trusts.
    public init(_ url: String, token: String? = nil, authorities: String? = nil) throws(Failure) {
        var url = url
        while url.utf8.last == UInt8(ascii: "/") { url.unicodeScalars.removeLast() }
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false
        else {
            throw .badURL(url)
        }
        self.url = url
        (self.token, self.authorities) = (token, authorities)
    }

    /// The alerts that hold and match, by fingerprint.
    public func alerts(_ matchers: [Matcher]) async throws -> [AlertQuestions.Listed] {
        let answer = try await ask(
            "GET", "/api/v2/alerts", matchers.map { URLQueryItem(name: "filter", value: $0.description) })
        // Foundation's decoder would take two normal forms of a label's name for one.
        guard let list = try? JSON(parsing: Array(answer)).list else {
            throw Failure.badAnswer(url, reason: "it is not a list of alerts")
        }
        return try list.map { alert in
            guard let labels = alert["labels"]?.labels else { throw Failure.badAnswer(url, reason: "an alert has no labels") }
            func time(_ name: String) throws -> Timestamp { try self.time(alert[name]?.text ?? "") }
            func texts(_ list: JSON?) -> [String] { list?.list?.compactMap(\.text) ?? [] }
            return AlertQuestions.Listed(
                labels: labels, annotations: alert["annotations"]?.labels ?? [:], generatorURL: alert["generatorURL"]?.text ?? "",
                startsAt: try time("startsAt"), endsAt: try time("endsAt"), updatedAt: try time("updatedAt"),
                receivers: alert["receivers"]?.list?.compactMap { $0["name"]?.text } ?? [],
                silencedBy: texts(alert["status"]?["silencedBy"]), inhibitedBy: texts(alert["status"]?["inhibitedBy"]))
        }
    }

    /// Sends one alert, as Prometheus does.
    ///
    /// - Throws: ``Failure``.
    public func post(_ alert: PostedAlert) async throws {
        let body = Shown.Posted(
            labels: alert.labels, annotations: alert.annotations, startsAt: alert.startsAt?.description,
            endsAt: alert.endsAt?.description)
        _ = try await ask("POST", "/api/v2/alerts", body: Data(try JSON([body]).bytes()))
    }

    /// All that it knows, also those that have ended.
    public func silences() async throws -> [Silence] {
        let answer: [Shown.Silence] = try await read("/api/v2/silences")
        return try answer.map { silence in
            Silence(
                id: silence.id ?? "",
                matchers: try silence.matchers.map { condition in
                    let isEqual = condition.isEqual ?? true
                    return try Matcher(
                        condition.name,
                        condition.isRegex ? (isEqual ? .matches : .doesNotMatch) : (isEqual ? .equal : .notEqual), condition.value
                    )
                },
                startsAt: try time(silence.startsAt), endsAt: try time(silence.endsAt),
                updatedAt: try time(silence.updatedAt ?? silence.startsAt), createdBy: silence.createdBy, comment: silence.comment
            )
        }
    }

    /// Makes a silence, and gives its id.
    public func silence(
        _ matchers: [Matcher], from start: Timestamp, until end: Timestamp, createdBy: String, comment: String
    ) async throws -> String {
        let body = Shown.Silence(
            id: nil,
            matchers: matchers.map { matcher in
                Shown.Condition(
                    name: matcher.name, value: matcher.value,
                    isRegex: matcher.operator == .matches || matcher.operator == .doesNotMatch,
                    isEqual: matcher.operator == .equal || matcher.operator == .matches)
            }, startsAt: start.description, endsAt: end.description, updatedAt: nil, createdBy: createdBy, comment: comment)
        let answer = try await ask("POST", "/api/v2/silences", body: Data(try JSON(body).bytes()))
        return try decode(Shown.Made.self, answer).silenceID
    }

    /// Ends a silence now.
    public func expire(_ id: String) async throws {
        _ = try await ask("DELETE", "/api/v2/silence/" + (id.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? id))
    }

    /// The configuration in force there.
    public func configuration() async throws -> AlertingConfiguration {
        let status: Shown.Status = try await read("/api/v2/status")
        return try AlertmanagerConfiguration.read(text: status.config.original, file: url + "/api/v2/status")
    }

    // MARK: Asking

    private func read<Value: Decodable>(_ path: String, _ query: [URLQueryItem] = []) async throws -> Value {
        try decode(Value.self, try await ask("GET", path, query))
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ data: Data) throws -> Value {
        do { return try JSONDecoder().decode(type, from: data) } catch { throw Failure.badAnswer(url, reason: "\(error)") }
    }

    private func time(_ text: String) throws -> Timestamp {
        guard let time = Timestamp(posted: text) else {
            throw Failure.badAnswer(url, reason: "'\(OutsideText(text).prefix(40))' is not a time")
        }
        return time
    }

    private func ask(_ method: String, _ path: String, _ query: [URLQueryItem] = [], body: Data? = nil) async throws -> Data {
        guard var parts = URLComponents(string: url + path) else { throw Failure.badURL(url) }
        if !query.isEmpty { parts.queryItems = query }
        // A plus is not encoded by URLComponents, and is a blank to the server.
        parts.percentEncodedQuery = parts.percentEncodedQuery.map { OutsideText($0).replacing("+", with: "%2B") }
        guard let address = parts.string else { throw Failure.badURL(url) }
        var request = WebRequest(method, address)
        request.body = body
        request.answerLimit = Self.maxAnswer
        request.authorities = authorities
        if body != nil { request.headers["Content-Type"] = "application/json" }
        if let token { request.headers["Authorization"] = "Bearer \(token)" }
        let answer: WebAnswer
        do { answer = try await request.send() } catch { throw Failure.noAnswer(url, reason: error.reason) }
        guard answer.isSuccess else { throw Failure.refused(url, status: answer.status, reason: Self.reason(answer.body)) }
        return answer.body
    }

    /// The sentence in a refusal: a text, or an object that has one.
    private static func reason(_ data: Data) -> String {
        struct Refusal: Decodable { var message: String? }
        if let text = try? JSONDecoder().decode(String.self, from: data) { return text }
        if let text = (try? JSONDecoder().decode(Refusal.self, from: data))?.message { return text }
        return OutsideText(String(decoding: data.prefix(300), as: UTF8.self)).trimmed
    }

    /// What stands in requests and answers.
    ///
    /// Source: Alertmanager, api/v2/openapi.yaml.
    private enum Shown {
        struct Posted: Encodable {
            var labels: Labels
            var annotations: Labels
            var startsAt: String?, endsAt: String?
        }
        struct Condition: Codable {
            var name: String, value: String
            var isRegex: Bool
            var isEqual: Bool?
        }
        struct Silence: Codable {
            var id: String?
            var matchers: [Condition]
            var startsAt: String, endsAt: String
            var updatedAt: String?
            var createdBy: String, comment: String
        }
        struct Made: Decodable { var silenceID: String }
        struct Status: Decodable {
            struct Config: Decodable { var original: String }
            var config: Config
        }
    }
}
