import Alerting
import Incidents
import Columns
import Detection
import Foundation
import HTTPTypes
import Lake
import Logging
import Query
import Store
import Telemetry
import TestSupport
import Testing

@testable import Server

/// Patterns whose repeats nest and stack, such as those that end a backtracking engine or fill a table of states.
struct HostilePatterns {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// Up to a little more than the longest pattern that is looked at.
    mutating func next() -> String {
        let whole = pattern(depth: Int.random(in: 1...4, using: &random))
        return String(whole.unicodeScalars.prefix(RegularExpression.maxLength + 10))
    }

    private mutating func pattern(depth: Int) -> String {
        guard depth > 0 else {
            return ["a", ".", "\\w", "\\pL", "[^x]", "(?i)k", "", "é", "(?:a|ab|b)", "\\b"].randomElement(using: &random)!
        }
        let repeats = ["*", "+", "?", "*?", "{0,1000}", "{1000}", "{30}", "{2,}", "{0,31}", "{999,1000}", "**", "{9}{9}"]
        let parts = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            let inner = pattern(depth: depth - 1), how = repeats.randomElement(using: &random)!
            switch Int.random(in: 0..<4, using: &random) {
            case 0: return "(\(inner))\(how)"
            case 1: return "(?:\(inner))\(how)"
            case 2: return "(\(inner)|\(pattern(depth: depth - 1)))\(how)"
            default: return "\(inner)\(how)"
            }
        }
        let joined = parts.joined()
        return Int.random(in: 0..<6, using: &random) == 0
            ? String(repeating: joined, count: Int.random(in: 2...40, using: &random)) : joined
    }
}

struct `Hostile matchers` {
    /// A thousand with `OBS_HOSTILE_MATCHERS=1000`; what the slowest request took is printed then.
    private static let count = Int(ProcessInfo.processInfo.environment["OBS_HOSTILE_MATCHERS"] ?? "") ?? 100

    @Test func `are each answered or refused, in a filter, a silence and a route`() async throws {
        let folder = TemporaryFolder(), metrics = MetricsRegistry()
        let incidents = IncidentStore(try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations))
        let inbox = AlertInbox(
            AlertingConfiguration(), incidents: incidents, metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let now = Timestamp.now
        try await inbox.store(
            (0..<3).map { number in
                let labels: Labels = ["alertname": "A\(number)", "x": String(repeating: "ab", count: 10 + 10 * number)]
                return Alert(PostedAlert(labels: labels), now: now, resolveTimeout: .seconds(300))
            })
        let routes =
            AlertmanagerRoutes.all(inbox, version: "1")
            + IncidentRoutes.all(
                incidents, runbooks: "runbooks", lake: Lake(root: folder.path + "/lake"))
        func ask(_ method: HTTPRequest.Method, _ path: String, filter: String = "", body: String = "") async throws -> Int {
            let route = try #require(routes.first { $0.method == method && $0.path == path } as Server.Route?)
            let question = RouteRequest(
                path: path, query: [("filter", filter)], parameters: [:], headers: [.contentType: "application/json"],
                body: Array(body.utf8))
            do {
                return try await route.respond(question).status.code
            } catch let error as HTTPFailure {
                return error.status.code
            } catch let error as ShapedRefusal {
                return error.response.status.code
            }
        }
        var patterns = HostilePatterns(seed: 12)
        var codes: [Int: Int] = [:], slowest = Duration.zero
        for number in 0..<Self.count {
            let pattern = patterns.next(), start = ContinuousClock.now
            let code: Int
            switch number % 3 {
            case 0: code = try await ask(.get, "/api/v2/alerts", filter: "x=~\(JSONText.quote(pattern))")
            case 1: code = try await ask(.get, "/api/v1/incidents", filter: "x=~\(JSONText.quote(pattern))")
            default:
                let body = """
                    {"matchers": [{"name": "y", "value": \(JSONText.quote(pattern)), "isRegex": true}, {"name": "x", "value": "a", "isRegex": false}],
                     "startsAt": "2098-11-27T10:00:00Z", "endsAt": "2099-11-27T11:00:00Z", "createdBy": "x", "comment": "c"}
                    """
                code = try await ask(.post, "/api/v2/silences", body: body)
            }
            slowest = max(slowest, .now - start)
            codes[code, default: 0] += 1
            // A route of the configuration reads it so, and is asked for every alert.
            if let matchers = try? [Matcher](parsing: "x=~\(JSONText.quote(pattern))") {
                _ = matchers.match(["x": String(repeating: "ab", count: 20)])
            }
        }
        #expect(Set(codes.keys) == [200, 400])
        #expect(codes[200]! > Self.count / 10 && codes[400]! > Self.count / 10)
        if Self.count > 100 { print("the slowest of \(Self.count) took \(slowest)") }
    }

    @Test func `of one silence are refused with a sentence when they are too large together`() throws {
        let condition = "{\"name\": \"x\", \"value\": \"(.*){100}(.?){300}z\", \"isRegex\": true}"
        func body(_ count: Int) -> [UInt8] {
            let conditions = Array(repeating: condition, count: count).joined(separator: ",")
            return Array(
                "{\"matchers\": [\(conditions)], \"startsAt\": \"2026-11-27T10:00:00Z\", \"endsAt\": \"2099-11-27T11:00:00Z\", \"createdBy\": \"x\", \"comment\": \"c\"}"
                    .utf8)
        }
        #expect(try PostedSilence(body(2)).matchers.count == 2)
        for count in [30, 101, 5000] {
            let error = #expect(throws: ShapedRefusal.self) { try PostedSilence(body(count)) }
            #expect(error?.response.status == .badRequest)
        }
    }
}
