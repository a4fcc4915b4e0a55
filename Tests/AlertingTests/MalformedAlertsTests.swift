import Columns
import Testing

@testable import Alerting
@testable import Incidents

/// Alerts that something is wrong with, each between two good ones.
struct `A malformed alert` {
    struct Case: Sendable, CustomTestStringConvertible {
        var alert: [UInt8]
        /// What the refusal says.
        var reason: String
        var testDescription: String { "\(reason): \(String(decoding: alert.prefix(60), as: UTF8.self))" }

        init(_ alert: String, _ reason: String) { self.init(bytes: Array(alert.utf8), reason) }

        init(bytes: [UInt8], _ reason: String) {
            alert = bytes
            self.reason = reason
        }
    }

    private static let good = #"{"labels":{"alertname":"Good"}}"#

    private func body(_ alert: [UInt8]) -> [UInt8] { Array("[\(Self.good),".utf8) + alert + Array(",\(Self.good)]".utf8) }

    /// All that is said about a body, and how many of its alerts are taken in.
    private func read(_ body: [UInt8]) throws -> (faults: [AlertFault], sound: Int) {
        let posted = try PostedAlerts(body)
        let judged = posted.alerts.map { index, alert in
            (index, alert, Alert(alert, now: .start, resolveTimeout: .seconds(300)).fault)
        }
        let faults = judged.compactMap { index, alert, fault in
            fault.map { AlertFault(index: index, name: alert.labels["alertname"], reason: $0) }
        }
        return (posted.faults + faults, judged.count { $0.2 == nil })
    }

    /// Any text names a label, as with Prometheus 3.
    private static let names = [
        "1a", "a-b", "a b", "a.b", "ä", "名", "a:b", "a\\u0000", "a\\n", "-", "=", "a\\\"b", " a", "a ", "{a}", "a/b", "$a", "9",
        "a,b", "🙂",
    ]
    private static let values = ["1", "1.5e3", "true", "false", "[]", "[\"a\"]", "{}", "{\"a\":\"b\"}"]
    private static let times = [
        "yesterday", "2026", "2026-11-21", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z", "2026-11-21T10:00:60Z", "2026-11-21T10:00:00.Z", "2026-11-21T10:00:00+25:00",
        "2026-11-21T10:00:00Zx",
        "10000-12-31T23:59:59Z", "-001-01-01T00:00:00Z", "1763719200", "2026-11-21T10:00:00 UTC", "21.11.2026",
    ]

    /// What is wrong with the contents of one alert: the others are taken in.
    static let ownFaults: [Case] =
        [
            Case("{\"labels\":{\"alertname\":\"Bad\",\"\":\"x\"}}", "invalid label set: invalid name"),
            Case("{\"labels\":{\"alertname\":\"Bad\"},\"annotations\":{\"\":\"x\"}}", "invalid annotations: invalid name"),
        ]
        + [
            "0000-01-01T00:00:00Z", "0001-01-01T00:00:01Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
            "2300-01-01T00:00:00Z",
        ].flatMap {
            [
                Case("{\"labels\":{\"alertname\":\"Bad\"},\"startsAt\":\"\($0)\"}", "startsAt \($0) is outside the years"),
                Case("{\"labels\":{\"alertname\":\"Bad\"},\"endsAt\":\"\($0)\"}", "endsAt \($0) is outside the years"),
            ]
        } + [
            Case("{\"labels\":{}}", "at least one label pair required"),
            Case("{\"labels\":{\"alertname\":\"\"}}", "at least one label pair required"),
            Case(
                "{\"labels\":{\"a\":\"b\"},\"startsAt\":\"2026-11-21T10:00:00Z\",\"endsAt\":\"2026-11-21T09:00:00Z\"}",
                "start time must be before end time"),
            Case("{\"labels\":{\"a\":\"\(String(repeating: "x", count: 1 << 20))\"}}", "1048576 bytes, and 65536 are the most"),
            Case("{\"labels\":{\"\(String(repeating: "x", count: 2000))\":\"a\"}}", "a name of 2000 bytes"),
            Case(
                "{\"labels\":{\"a\":\"b\"},\"annotations\":{\"a\":\"\(String(repeating: "x", count: 1 << 20))\"}}",
                "262144 are the most"),
            Case("{\"labels\":{\((0..<1000).map { "\"a\($0)\":\"b\"" }.joined(separator: ","))}}", "256 are the most"),
            Case(
                "{\"labels\":{\"a\":\"b\"},\"annotations\":{\((0..<300).map { "\"a\($0)\":\"b\"" }.joined(separator: ","))}}",
                "256 are the most"),
            Case(
                bytes: Array("{\"labels\":{\"a\":\"".utf8) + [0xFF, 0xFE] + Array("\"}}".utf8), "labels: \"a\" is not valid UTF-8"
            ),
            Case(bytes: Array("{\"labels\":{\"a\":\"".utf8) + [0xC3] + Array("\"}}".utf8), "is not valid UTF-8"),
            Case(bytes: Array("{\"labels\":{\"a\":\"".utf8) + [0xED, 0xA0, 0x80] + Array("\"}}".utf8), "is not valid UTF-8"),
            Case(bytes: Array("{\"labels\":{\"a\":\"\\n".utf8) + [0xC0, 0x80] + Array("\"}}".utf8), "is not valid UTF-8"),
            Case(bytes: Array("{\"labels\":{\"".utf8) + [0xFF] + Array("\":\"b\"}}".utf8), "labels: a name is not valid UTF-8"),
            Case(
                bytes: Array("{\"labels\":{\"a\":\"b\"},\"annotations\":{\"c\":\"".utf8) + [0x80] + Array("\"}}".utf8),
                "annotations: \"c\" is not valid UTF-8"),
            Case(
                bytes: Array("{\"labels\":{\"a\":\"b\"},\"generatorURL\":\"http://".utf8) + [0x80] + Array("\"}".utf8),
                "generatorURL is not valid UTF-8"),
        ]

    /// What makes the rest of the body doubtful: nothing is taken in, as in Alertmanager.
    static let bodyFaults: [Case] =
        values.map { Case("{\"labels\":{\"a\":\($0)}}", "alert 1: labels: \"a\" is") }
        + values.prefix(6).map { Case("{\"labels\":\($0)}", "alert 1: labels is") }
        + values.map { Case("{\"labels\":{\"a\":\"b\"},\"startsAt\":\($0)}", "alert 1: startsAt is") }
        + times.map { Case("{\"labels\":{\"a\":\"b\"},\"endsAt\":\"\($0)\"}", "alert 1: endsAt") } + [
            Case("null", "alert 1: it is null"), Case("1", "alert 1: it is a number"), Case("\"a\"", "alert 1: it is a text"),
            Case("[]", "alert 1: it is a list"), Case("{}", "alert 1: it has no labels"),
            Case("{\"annotations\":{\"a\":\"b\"}}", "alert 1: it has no labels"),
            Case("{\"labels\":null}", "alert 1: it has no labels"),
            Case("{\"labels\":{\"a\":\"b\"},\"generatorURL\":\"::nope\"}", "alert 1: generatorURL"),
            Case("{\"labels\":{\"a\":\"b\"},\"generatorURL\":\"no url\"}", "alert 1: generatorURL"),
            Case("{\"labels\":{\"a\":\"b\"}", "alert 1: the body is not JSON"),
            Case("{\"labels\":{\"a\" \"b\"}}", "alert 1: the body is not JSON"),
            Case("{'labels':{}}", "alert 1: the body is not JSON"),
            Case("{\"labels\":{\"a\":\"b}}", "alert 1: the body is not JSON"),
            Case("{\"labels\":{\"a\":\"\\x\"}}", "alert 1: the body is not JSON"),
            Case("{\"labels\":{\"a\":\"b\u{1}\"}}", "alert 1: the body is not JSON"),
            Case("{\"labels\":{\"a\":nul}}", "alert 1: the body is not JSON"),
            Case("{\"labels\":{\"a\":\"b\"},}", "alert 1: the body is not JSON"),
            Case(
                "{\"labels\":{\"a\":\"b\"},\"x\":\(String(repeating: "[", count: 100_000))",
                "alert 1: the body is not JSON: more than 64 levels"),
        ]

    @Test func `has no end when it says the zero time, in any form`() throws {
        for zero in ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", ""] {
            let posted = try PostedAlerts(
                Array("[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"\(zero)\",\"endsAt\":\"\(zero)\"}]".utf8))
            #expect(posted.alerts.first?.alert == PostedAlert(labels: ["a": "b"]), "\(zero)")
        }
    }

    @Test(arguments: names)
    func `is none for a name that is any text`(name: String) throws {
        let read = try read(
            body(Array("{\"labels\":{\"alertname\":\"Good\",\"\(name)\":\"x\"},\"annotations\":{\"\(name)\":\"y\"}}".utf8)))
        #expect(read.sound == 3 && read.faults.isEmpty)
    }

    @Test func `comes in many kinds`() { #expect(Self.ownFaults.count + Self.bodyFaults.count >= 70) }

    @Test(arguments: ownFaults)
    func `is named with its place and the reason, and the others are taken in`(one: Case) throws {
        let (faults, sound) = try read(body(one.alert))
        #expect(sound == 2)
        #expect(faults.count == 1)
        #expect(faults.first?.index == 1)
        #expect(faults.first?.description.contains(one.reason) == true, "\(faults)")
    }

    @Test(arguments: bodyFaults)
    func `that is no JSON or of a wrong type refuses its body, and is named`(one: Case) {
        let error = #expect(throws: AlertBodyError.self) { try PostedAlerts(body(one.alert)) }
        #expect(error?.description.contains(one.reason) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: ["", " ", "{", "nul", "[1", "[] x", "{}", "\"a\"", "7", "\u{FEFF}[]"])
    func `body that is no list is refused`(body: String) {
        #expect(throws: AlertBodyError.self) { try PostedAlerts(Array(body.utf8)) }
    }

    @Test func `never ends the program, however the bytes of a body are changed`() throws {
        let whole = Array(
            #"[{"labels":{"alertname":"Aé\u00e9\ud83d\ude00"},"annotations":{"s":"t"},"startsAt":"2026-11-21T10:00:00.123+01:00"}, {"x":[1,{"y":null}]}]"#
                .utf8)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...3, using: &random))
            if let posted = try? PostedAlerts(bytes) { #expect(posted.alerts.count + posted.faults.count <= 2) }
        }
    }
}

struct `A posted time` {
    @Test(arguments: [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"), ("2026-11-21T10:00:00.5+01:00", "2026-11-21T09:00:00.500Z"),
        ("2026-11-21 10:00:00", "2026-11-21T10:00:00Z"), ("2026-11-21T10:00Z", "2026-11-21T10:00:00Z"),
        ("2024-02-29T23:59:59.123456789-0130", "2024-03-01T01:29:59.123456Z"),
    ])
    func `is read as Alertmanager reads it`(text: String, time: String) {
        #expect(Timestamp(posted: text)?.description == time)
    }
}
