import Columns
import Detection
import Foundation
import Streaming
import Telemetry
import TestSupport
import Testing

@testable import Jobs

struct `A scorer of rows` {
    private let folder = TemporaryFolder()
    private let workspace: Workspace
    private static let schema = Schema([Field("temp", .double), Field("breaks", .bool)])

    init() throws { workspace = try Workspace(folder.path) }

    /// A model of vehicles that break down when they are hot, or, the other way round, when they are cold.
    private func model(breaksWhenHot: Bool) throws -> RiskModel {
        var random = SplitMix64(seed: 1)
        let rows = (0..<300).map { _ -> [Value] in
            let temp = Double.random(in: 0...100, using: &random)
            return [.double(temp), .bool(breaksWhenHot ? temp > 80 : temp < 20)]
        }
        return try RiskModel(
            table: "t", rows: [try Batch(schema: Self.schema, rows: rows)], label: "breaks", now: Timestamp(seconds: 1))
    }

    private func rows(_ temperatures: Double...) throws -> Batch {
        try Batch(schema: Schema([Field("temp", .double)]), rows: temperatures.map { [.double($0)] })
    }

    @Test func `is none before there is a model, and the one in production from then on, whoever promotes it`() throws {
        let scorer = workspace.scorers()
        #expect(scorer("risk") == nil)
        _ = try workspace.models.save(model(breaksWhenHot: true), name: "risk")
        let hot = try #require(scorer("risk"))(rows(95, 5))
        #expect(hot[0]! > 0.8 && hot[1]! < 0.2)
        _ = try workspace.models.save(model(breaksWhenHot: false), name: "risk")
        let cold = try #require(scorer("risk"))(rows(95, 5))
        #expect(cold[0]! < 0.2 && cold[1]! > 0.8)
        // Another process promotes an earlier version.
        try Workspace(folder.path).models.promote("risk", version: 1)
        #expect(try #require(scorer("risk"))(rows(95))[0]! > 0.8)
    }

    @Test func `gives no score to rows that lack a feature`() throws {
        _ = try workspace.models.save(model(breaksWhenHot: true), name: "risk")
        let other = try Batch(schema: Schema([Field("noise", .double)]), rows: [[.double(1)], [.double(2)]])
        #expect(try #require(workspace.scorers()("risk"))(other) == [nil, nil])
    }

    @Test func `is none while the file of its model is damaged, which is noted until another version is in production`() throws {
        let health = HealthNotes()
        let scorer = workspace.scorers(health: health)
        let entry = try workspace.models.save(model(breaksWhenHot: true), name: "risk")
        try Data("damaged".utf8).write(to: URL(filePath: "\(workspace.path)/models/\(entry.file)"))
        #expect(scorer("risk") == nil && scorer("risk") == nil)
        #expect(health.all.count == 1 && health.all[0].contains("rows are kept without a score until then"))
        _ = try workspace.models.save(model(breaksWhenHot: true), name: "risk")
        #expect(scorer("risk") != nil && health.all.isEmpty)
    }
}
