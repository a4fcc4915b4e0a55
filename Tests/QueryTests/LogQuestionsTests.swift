import Columns
import Lake
import LogQL
import TestSupport
import Testing

@testable import Query

struct `A query in LogQL on the lake` {
    private let folder = TemporaryFolder()
    private let lake: Lake
    private let users = ["root", "ann", "Büro \"x\""], hosts = ["web-1", "db-1"]

    /// Sixty events, one a second, in two commits; the lines of the same in bronze; and a table without a time.
    init() throws {
        lake = Lake(root: folder.path)
        let silver = Schema([
            Field("event_time", .timestamp), Field("host", .text), Field("event", .text), Field("user", .text, isNullable: true),
            Field("port", .int64), Field("message", .text, isNullable: true), Field("file", .text), Field("offset", .int64),
        ])
        try write("silver.ssh", silver) { second in
            let event = second % 3 == 0 ? "failed_password" : "other"
            return [
                .timestamp(.night + .seconds(second)), .text(hosts[second % 2]), .text(event),
                second % 5 == 4 ? .null : .text(users[second % 3]), .int(Int64(1000 + second)),
                event == "other" ? .text("session opened for uid=\(second)") : .null, .text("auth.log"),
                .int(Int64(second * 100)),
            ]
        }
        let bronze = Schema([
            Field("source", .text), Field("file", .text), Field("offset", .int64), Field("arrival_time", .timestamp),
            Field("line", .text), Field("raw", .binary, isNullable: true),
        ])
        try write("bronze.ssh", bronze) { second in
            [
                .text("auth"), .text("auth.log"), .int(Int64(second * 100)), .timestamp(.night + .seconds(second)),
                .text("line \(second)"), .null,
            ]
        }
        try write("silver.plain", Schema([Field("n", .int64)])) { [.int(Int64($0))] }
    }

    private func write(_ name: String, _ schema: Schema, _ row: (Int) -> [Value]) throws {
        let table = try lake.table(name, creating: schema)
        for part in [0..<30, 30..<60] {
            let writer = table.writer()
            try writer.append(try Batch(schema: schema, rows: part.map(row)))
            try table.commit(adding: writer.finish())
        }
    }

    private var night: ClosedRange<Timestamp> { .night...(.night + .seconds(60)) }

    private func lines(_ query: String, limit: Int = 1000, oldestFirst: Bool = false) throws -> [LogAnswer.Line] {
        let answer = try LogQuestions(lake).answer(query, in: night, step: .seconds(10), limit: limit, oldestFirst: oldestFirst)
        guard case .lines(let lines) = answer else { return [] }
        return lines
    }

    @Test func `shows a line of bronze as it came, and a row of silver by its message or its columns`() throws {
        let raw = try lines(#"{layer="bronze"}"#, limit: 2)
        #expect(raw.map(\.text) == ["line 59", "line 58"])
        #expect(
            raw[0].labels == [
                "layer": "bronze", "table": "bronze.ssh", "pipeline": "ssh", "service_name": "ssh", "source": "auth",
            ])
        let events = try lines(#"{table="silver.ssh"}"#, limit: 2, oldestFirst: true)
        #expect(events.map(\.text) == ["host=web-1 event=failed_password user=root port=1000", "session opened for uid=1"])
        #expect(events[1].labels["event"] == "other" && events[1].labels["host"] == "db-1")
        #expect(events[1].fields.map(\.name) == ["user", "port", "file", "offset"])
        let quoted = try lines(#"{event="failed_password"} |= "Büro""#)
        #expect(quoted.isEmpty, "the third user has other events only")
    }

    @Test func `finds the rows by labels, by columns and by fields of the line, as looking at each row does`() throws {
        let all = try lines(#"{table="silver.ssh"}"#)
        #expect(all.count == 60)
        for (query, holds) in [
            (#"{table="silver.ssh", host="db-1"}"#, { $0 % 2 == 1 }),
            (#"{layer="silver", user="ann"}"#, { $0 % 3 == 1 && $0 % 5 != 4 }),
            (#"{layer="silver"} | user="""#, { $0 % 5 == 4 }),
            (#"{layer="silver"} | port >= 1050"#, { $0 >= 50 }),
            (#"{layer="silver"} | logfmt | uid > 30"#, { $0 % 3 != 0 && $0 > 30 }),
            (#"{layer="silver"} |~ "uid=1\\d$""#, { (10...19).contains($0) && $0 % 3 != 0 }),
            (#"{layer="silver", nothing="x"}"#, { _ in false }),
            (#"{layer="silver", nothing=""} | host=~"web.*""#, { $0 % 2 == 0 }),
        ] as [(String, (Int) -> Bool)] {
            let found = try lines(query, oldestFirst: true).map {
                Int($0.time.microseconds - Timestamp.night.microseconds) / 1_000_000
            }
            #expect(found == (0..<60).filter(holds), "\(query)")
        }
    }

    @Test func `counts by label and column in steps`() throws {
        let query = #"sum by (host, event) (count_over_time({table="silver.ssh"}[10s]))"#
        let answer = try LogQuestions(lake).answer(query, in: night, step: .seconds(10), limit: 1, oldestFirst: false)
        guard case .numbers(.series(let series), let steps) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(steps.count == 7 && series.count == 4)
        for (labels, values) in series {
            for (index, value) in values.enumerated() {
                let end = index * 10
                let wanted = (max(0, end - 9)...end).filter { second in
                    second < 60 && hosts[second % 2] == labels["host"]
                        && (second % 3 == 0 ? "failed_password" : "other") == labels["event"]
                }.count
                #expect((value ?? 0) == Double(wanted), "\(labels) at \(end)")
            }
        }
    }

    @Test func `tells labels, values, streams, fields, volumes and patterns`() throws {
        let questions = LogQuestions(lake), silver = try LogSelector(parsing: #"{table="silver.ssh"}"#)
        #expect(try questions.labels() == ["event", "host", "layer", "pipeline", "service_name", "source", "table"])
        #expect(try questions.values(of: "table", in: night) == ["bronze.ssh", "silver.ssh"])
        #expect(try questions.values(of: "host", in: night) == ["db-1", "web-1"])
        #expect(
            try questions.values(of: "host", in: night, where: LogSelector(parsing: #"{event="failed_password", host!="db-1"}"#))
                == ["web-1"])
        #expect(try questions.series([silver], in: night).count == 4)
        let fields = try questions.fields(silver, in: night)
        #expect(fields.map(\.name) == ["file", "offset", "port", "user"])
        #expect(
            fields.map(\.kind) == ["string", "int", "int", "string"] && fields[2].cardinality == 60 && fields[3].values.count == 3
        )
        let raw = try questions.volume(LogSelector(parsing: #"{layer="bronze"}"#), in: night)
        #expect(raw.streams == 1 && raw.lines == 60 && raw.bytes == 10 * 6 + 50 * 7)
        let patterns = try questions.patterns(LogSelector(parsing: #"{layer="bronze"}"#), in: night, step: .seconds(30))
        #expect(patterns.map(\.pattern) == ["line <_>"] && patterns[0].counts.map(\.count) == [30, 30])
    }

    @Test func `leaves tables out that have no time, and refuses lines at one moment`() throws {
        #expect(try lines(#"{table="silver.plain"}"#).isEmpty)
        #expect(throws: LogQLError.self) { try LogQuestions(lake).answer(#"{layer="silver"}"#, at: .night) }
    }
}
