import Parsing
import Columns
import Foundation
@testable import Streaming
import Testing

@testable import Configuration

struct `A pipeline file` {
    private func read(_ text: String) throws(ConfigurationError) -> PipelineDefinition {
        try YAMLDocument(text, file: "p.yaml").decode(PipelineFile.self).definition
    }

    private static let whole = """
        name: shop
        every: 5m
        allowed_lateness: 2m
        idle_after: 30s
        inputs:
          - name: views
            format: json
            allowed_lateness: 5m
            columns:
              - { name: event_time, type: timestamp, path: ts, required: true }
              - { name: user_id, type: int64 }
              - { name: method }
              - { name: latency_ms, type: double, path: timing.total }
            steps:
              - deduplicate: [user_id, method]
              - expect: { name: quick, range: { column: latency_ms, from: 0, to: 60000 }, action: drop }
          - { name: stars, table: ratings, format: json, columns: [{ name: event_time, type: timestamp }, { name: user_id, type: int64 }, { name: stars, type: int32 }] }
        streams:
          - name: slow
            from: views
            steps:
              - compute: 'is_slow = latency_ms >= 500 and method == "GET"'
              - where: 'is_slow="true"'
              - lookup: { file: vip.json, on: user_id, columns: [tier] }
              - join: { with: stars, on: [user_id], within: 10m, before: 10m, kind: left }
              - score: { model: risk, column: risk }
              - select: [event_time, user_id, tier, stars_stars, risk]
            table: slow
        windows:
          - { table: by_method, from: views, length: 5m, slide: 1m, by: [method], where: 'method!=""', aggregates: [{ name: p95, function: quantile, column: latency_ms, share: 0.95 }] }
          - { table: visits, from: views, gap: 30m, by: user_id, aggregates: [{ name: n, function: count }, { name: methods, function: top_k, column: method, k: 3 }] }
        """

    @Test func `becomes a definition with all its parts`() throws {
        let definition = try read(Self.whole)
        #expect(definition.inputs.map(\.table) == ["shop_views", "ratings"])
        #expect(definition.inputs.map(\.allowedLateness) == [.seconds(300), .seconds(120)])
        #expect(definition.schedule == .every(.seconds(300)))
        #expect(definition.idleAfter == .seconds(30))
        #expect(definition.inputs[0].options.columns[0].path == "ts" && !definition.inputs[0].options.columns[0].isNullable)
        #expect(
            definition.windows.map(\.kind) == [
                .hopping(length: .seconds(300), slide: .seconds(60)), .session(gap: .seconds(1800)),
            ])
        let schemas = try PipelineSchemas(definition)
        #expect(schemas.nodes["slow"]?.schema.fields.map(\.name) == ["event_time", "user_id", "tier", "stars_stars", "risk"])
        let lookup = definition.resolvingFiles(beside: "/etc/obs/p.yaml").streams[0].steps[2]
        #expect(lookup == Step(ReferenceLookup(file: "/etc/obs/vip.json", on: ["user_id"], columns: ["tier"])))
    }

    @Test func `has a fingerprint that changes with what is in the tables and not with when it runs`() throws {
        let first = try read(Self.whole)
        #expect(try read(Self.whole.replacing("every: 5m", with: "cron: '0 * * * *'")).fingerprint == first.fingerprint)
        for (old, new) in [
            ("share: 0.95", "share: 0.9"), ("latency_ms >= 500", "latency_ms >= 501"), ("slide: 1m", "slide: 5m"),
            ("path: ts", "path: time"),
            ("within: 10m", "within: 9m"), ("action: drop", "action: warn"), ("gap: 30m", "gap: 20m"),
            ("allowed_lateness: 5m", "allowed_lateness: 6m"),
        ] {
            #expect(try read(Self.whole.replacing(old, with: new)).fingerprint != first.fingerprint, "\(new)")
        }
    }

    @Test(arguments: [
        ("format: json", "format: jsn", "there is no format 'jsn'"),
        ("from: views\n    steps", "from: view\n    steps", "reads from 'view'"),
        ("by: [method]", "by: [metod]", "names the column 'metod', which there is not"),
        ("function: quantile", "function: percentile", "has the function 'percentile'"),
        ("share: 0.95", "share: 95", "write a number from 0.0 to 1.0"),
        ("gap: 30m", "gap: 30m, length: 5m", "or 'gap' alone for sessions"),
        ("every: 5m", "every: 5m\ncron: '* * * * *'", "both 'every' and 'cron'"),
        ("- where:", "- were:", "did you mean 'where'?"),
        ("latency_ms >= 500", "latency_ms >=", "'method' is not expected there"),
        ("compute: 'is_slow =", "compute: 'is slow =", "computes no column"),
        ("kind: left", "kind: outer", "kind is 'outer'; write inner or left"),
        ("action: drop", "action: delete", "'delete'; write warn, drop or fail"),
        ("range: {", "rang: {", "did you mean 'range'?"), ("select: [event_time, ", "select: [", "must keep 'event_time'"),
        ("from: views\n    steps", "from: slow\n    steps", "reads from 'slow'"), ("slide: 1m", "slide: 10m", "at most 'length'"),
        ("table: visits", "table: by_method", "given twice"), ("type: int32", "type: integer", "has the type 'integer'"),
        ("with: stars, on: [user_id]", "with: stars, on: [method]", "names the column 'method'"),
        ("k: 3", "k: 1000", "a whole number from 1 to 100"), (", share: 0.95", "", "a quantile without a 'share'"),
        ("function: count }", "function: count, share: 0.5 }", "which only quantile has"),
        ("where: 'method!=\"\"'", "where: 'metod!=\"\"'", "names the column 'metod'"),
        ("function: count }", "function: count, where: 'metod=\"x\"' }", "names the column 'metod'"),
    ])
    func `that cannot run is refused with the reason`(old: String, new: String, reason: String) throws {
        let text = Self.whole.replacing(old, with: new, maxReplacements: 1)
        #expect(text != Self.whole)
        #expect { try read(text) } throws: { "\($0)".contains(reason) }
    }

    /// What is found when the whole pipeline is put together is shown where it is written, not at the first line.
    @Test(arguments: [
        ("not_there", "input step", 15, "deduplicate: [user_id, method]", "deduplicate: [not_there]"),
        ("not_there", "stream step", 23, "where: 'is_slow=", "where: 'not_there="),
        ("not_there", "select", 27, "select: [event_time, ", "select: [event_time, not_there, "),
        ("'nowhere'", "stream", 19, "from: views\n    steps", "from: nowhere\n    steps"),
        ("not_there", "window", 30, "by: [method]", "by: [not_there]"),
        ("not_there", "aggregate", 30, "column: latency_ms, share", "column: not_there, share"),
        ("type 'integer'", "column", 17, "type: int32", "type: integer"),
        ("every is '0s'", "schedule", 2, "every: 5m", "every: 0s"),
    ])
    func `says on which line a mistake is that only the whole pipeline shows`(
        what: String, where: String, line: Int, old: String, new: String
    ) throws {
        let text = Self.whole.replacing(old, with: new, maxReplacements: 1)
        #expect {
            try read(text)
        } throws: { error in
            let mistakes = (error as? ConfigurationError)?.mistakes ?? []
            return mistakes.count == 1 && mistakes[0].line == line && mistakes[0].message.contains(what)
        }
    }

    @Test func `does not call the keys beside a bad column type unknown`() throws {
        let text = Self.whole.replacing("type: int64, path", with: "type: integer, path").replacing(
            "type: int64 }", with: "type: long, required: true }")
        #expect { try read(text) } throws: { !"\($0)".contains("unknown key") }
    }
}
