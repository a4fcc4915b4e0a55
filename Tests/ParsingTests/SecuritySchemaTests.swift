import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

struct `An event in a public schema` {
    /// The example of each event, as the table holds it, in a schema.
    private func records(_ schema: SecuritySchema) throws -> [(event: SSHEvent, row: Batch, record: JSON)] {
        try SSHEvent.allCases.map { event in
            let row = SSHD.parse([event.ecs.example]).events
            let lines = try schema.lines(of: row).split(separator: UInt8(ascii: "\n"))
            try #require(lines.count == 1)
            return (event, row, try JSON(parsing: Array(lines[0])))
        }
    }

    private func value(_ record: JSON, _ path: String) -> JSON? {
        path.split(separator: ".").reduce(record) { $0?[String($1)] }
    }

    @Test func `of ECS has its fields for every event`() throws {
        // Source: ECS 9, the allowed values of `event.category`, and the event types that each expects.
        let types: [String: Set<String>] = [
            "authentication": ["start", "end", "info"], "session": ["start", "end", "info"],
            "network": ["access", "allowed", "connection", "denied", "end", "info", "protocol", "start"],
            "process": ["access", "change", "end", "info", "start"], "host": ["access", "change", "end", "info", "start"],
            "iam": ["admin", "change", "creation", "deletion", "group", "info", "user"],
            "configuration": ["access", "change", "creation", "deletion", "info"],
        ]
        for (event, row, record) in try records(.ecs) {
            #expect(value(record, "ecs.version")?.text == "9.0.0")
            #expect(value(record, "@timestamp")?.text == row["event_time"]!.value(at: 0, as: .timestamp).description)
            #expect(value(record, "event.kind")?.text == "event" && value(record, "event.action")?.text == event.rawValue)
            let category = try #require(value(record, "event.category")?.list?.first?.text)
            let type = try #require(value(record, "event.type")?.list?.first?.text)
            #expect(types[category]?.contains(type) == true, "\(event): \(category), \(type)")
            let outcome = row["outcome"]!.string(at: 0)
            #expect(
                value(record, "event.outcome")?.text
                    == (outcome == nil ? "unknown" : outcome == "success" ? "success" : "failure"))
            #expect(value(record, "user.name")?.text == row["user"]!.string(at: 0))
            #expect(value(record, "host.name")?.text == row["host"]!.string(at: 0))
            let source = row["source"]!.string(at: 0)
            #expect(value(record, "source.address")?.text == source)
            #expect(value(record, "source.ip")?.text == source.flatMap { IPAddress($0) == nil ? nil : $0 })
        }
    }

    @Test func `of OCSF has what its class demands, for every event`() throws {
        for (event, row, record) in try records(.ocsf) {
            let name = Comment(rawValue: event.rawValue)
            let classID = try #require(value(record, "class_uid")?.integer, name)
            let activity = try #require(value(record, "activity_id")?.integer, name)
            #expect([0, 3001, 3002].contains(classID), name)
            #expect(value(record, "category_uid")?.integer == classID / 1000, name)
            #expect(value(record, "type_uid")?.integer == classID * 100 + activity, name)
            #expect(
                value(record, "metadata.version")?.text == "1.8.0" && value(record, "metadata.product.name")?.text == "obs", name)
            #expect(value(record, "time")?.integer == row["event_time"]!.integer(at: 0)! / 1000, name)
            #expect([1, 2].contains(value(record, "severity_id")?.integer), name)
            let outcome = row["outcome"]!.string(at: 0)
            let status = value(record, "status_id")?.integer
            if let outcome { #expect(status == (outcome == "success" ? 1 : 2), name) }
            if classID > 0 { #expect(value(record, "user.name")?.text?.isEmpty == false, name) }
            if classID == 3002 {
                #expect(value(record, "service.name")?.text != nil, "at least one of service and dst_endpoint")
                #expect(
                    value(record, "src_endpoint.ip")?.text
                        == row["source"]!.string(at: 0).flatMap { IPAddress($0) == nil ? nil : $0 })
            }
            // No attempt is anything but an authentication, and nothing is lost that is not.
            if outcome != nil { #expect(classID == 3002 && activity == 1, name) }
            if let user = row["user"]!.string(at: 0) {
                #expect((value(record, "user.name") ?? value(record, "unmapped.user"))?.text == user, name)
            }
        }
    }

    @Test(arguments: [
        (SSHEvent.acceptedPublickey, 3002, 1), (.failedPassword, 3002, 1), (.failedPublickey, 3002, 99),
        (.sessionClosed, 3002, 2),
        (.sudo, 3002, 7), (.su, 3002, 7), (.accountCreated, 3001, 1), (.passwordChanged, 3001, 3), (.connection, 0, 99),
        (.server, 0, 99), (.connectionClosed, 3002, 1), (.cronCommand, 0, 99),
    ])
    func `of OCSF is of the class that its kind is of`(event: SSHEvent, classID: Int64, activity: Int64) throws {
        let found = SecurityEvent(SSHD.parse([event.ecs.example]).events, 0).activity
        #expect(found.classID == classID && found.id == activity)
    }

    @Test(arguments: SecuritySchema.allCases)
    func `keeps what a client wrote from becoming part of the JSON`(schema: SecuritySchema) throws {
        let user = "a\",\"x\":\"\\ \u{1B}[31m ü"
        let row = SSHD.parse(["Nov 26 10:00:01 gate sshd[600]: Invalid user \(user) from 192.0.2.7 port 4022"]).events
        let record = try JSON(parsing: schema.lines(of: row).dropLast())
        #expect(value(record, "user.name")?.text == row["user"]!.string(at: 0) && value(record, "x") == nil)
    }

    @Test func `is made of events only`() throws {
        let schema = Schema([Field("n", .int64)])
        let batch = try Batch(schema: schema, rows: [[.int(1)]])
        #expect(throws: FormatError.self) { try SecuritySchema.ecs.lines(of: batch) }
    }

    /// By the JSON schemas of OCSF themselves, where a Python has them.
    @Test(.enabled(if: peersPython(has: "ocsf_json_schema, jsonschema"), "wants ocsf-json-schema and jsonschema"))
    func `of OCSF is valid by its public schema`() throws {
        let folder = TemporaryFolder(), file = folder.path + "/events.jsonl"
        let lines = try SSHEvent.allCases.flatMap { try SecuritySchema.ocsf.lines(of: SSHD.parse([$0.ecs.example]).events) }
        try Data(lines).write(to: URL(filePath: file))
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/ocsf.py").path
        let python: String = peersPython
        #expect(try run("sh", ["-c", "\(python) -B \(script) < \(file)"]) == "")
    }
}
