import Alerting
import Incidents
import Columns
import Foundation
import HTTPTypes

/// A silence as the body of `POST /api/v2/silences` has it.
struct PostedSilence {
    let id: String?
    let matchers: [Matcher]
    let startsAt: Timestamp
    let endsAt: Timestamp
    let createdBy: String
    let comment: String

    private struct Body: Decodable {
        struct Condition: Decodable {
            var name: String?
            var value: String?
            var isRegex: Bool?
            var isEqual: Bool?
        }
        var id: String?
        var matchers: [Condition]?
        var startsAt: String?
        var endsAt: String?
        var createdBy: String?
        var comment: String?
    }

    /// - Throws: ``ShapedRefusal`` as Alertmanager makes it: first for a body that is not JSON, then for missing fields, then for
    ///   wrong values.
    init(_ bytes: [UInt8]) throws {
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: Data(bytes))
        } catch {
            throw AlertmanagerRoutes.refusal(
                .badRequest, code: 400, "parsing silence body from \"\" failed, because \(Self.reason(error))")
        }
        func require<Value>(_ value: Value?, _ name: String) throws -> Value {
            guard let value else {
                throw AlertmanagerRoutes.refusal(.unprocessableContent, code: 602, "\(name) in body is required")
            }
            return value
        }
        func time(_ text: String?, _ name: String) throws -> Timestamp {
            let text = try require(text, name)
            guard let time = Timestamp(posted: text) else {
                throw AlertmanagerRoutes.refusal(
                    .badRequest, code: 400,
                    "\(name) \(JSONText.quote(OutsideText(text).prefix(100))) is not a time; write it as 2026-11-21T10:00:00Z"
                )
            }
            return time
        }
        comment = try require(body.comment, "comment")
        createdBy = try require(body.createdBy, "createdBy")
        endsAt = try time(body.endsAt, "endsAt")
        let conditions = try require(body.matchers, "matchers")
        startsAt = try time(body.startsAt, "startsAt")
        guard !conditions.isEmpty else {
            throw AlertmanagerRoutes.refusal(.unprocessableContent, code: 612, "matchers in body should have at least 1 items")
        }
        id = body.id.flatMap { $0.isEmpty ? nil : $0.lowercased() }
        guard conditions.count <= [Matcher].maxCount else {
            throw AlertmanagerRoutes.refusal(
                .badRequest, "silence invalid: it has \(conditions.count) matchers, and at most \([Matcher].maxCount) are allowed"
            )
        }
        let matchers = try conditions.enumerated().map { index, condition in
            let name = try require(condition.name, "matchers.\(index).name"),
                value = try require(condition.value, "matchers.\(index).value")
            let isRegex = try require(condition.isRegex, "matchers.\(index).isRegex")
            guard Alert.isName(name) else {
                throw AlertmanagerRoutes.refusal(
                    .badRequest,
                    "silence invalid: invalid label matcher \(index): its name is empty"
                )
            }
            do {
                return try Matcher(
                    name, condition.isEqual ?? true ? (isRegex ? .matches : .equal) : (isRegex ? .doesNotMatch : .notEqual), value
                )
            } catch {
                throw AlertmanagerRoutes.refusal(.badRequest, "silence invalid: invalid label matcher \(index): \(error)")
            }
        }
        do { self.matchers = try matchers.bounded() } catch {
            throw AlertmanagerRoutes.refusal(.badRequest, "silence invalid: \(error)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\(context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")) has a wrong type"
        default: "it is not JSON"
        }
    }
}
