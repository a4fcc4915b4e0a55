import Columns
import Configuration
import Foundation
import GRDB
import Lake
import Parsing
import Simulation
import Store
import Streaming
import TestSupport
import Testing

@testable import Jobs

/// A day of sshd on two hosts, with each kind of attack, read in the order in which it was written and in others.
struct `The incidents of a day` {
    private let folder = TemporaryFolder()

    private struct Line {
        let time: Timestamp
        /// Host and process: sshd writes the lines of one connection one after the other, and so they arrive.
        let connection: String
        let text: String
    }

    private static func day() -> [Line] {
        // In the past, so that nothing depends on when the test runs.
        var options = SSHSimulator.Options(start: Timestamp(seconds: 1_750_000_000))
        (options.rate, options.attackEvery) = (0.02, 7200)
        var simulator = SSHSimulator(options)
        return (0..<86_400).flatMap { _ in
            let time = simulator.time
            return simulator.next().map {
                Line(time: time, connection: $0.split(separator: " ").dropFirst().prefix(2).joined(separator: " "), text: $0)
            }
        }
    }

    /// The lines in another order: each connection is late by another time, within the lateness that the pipeline allows.
    private static func shuffled(_ day: [Line], seed: UInt64) -> [Line] {
        var random = SplitMix64(seed: seed)
        var delays: [String: Duration] = [:]
        let arrivals = day.enumerated().map { number, line in
            let delay = delays[line.connection] ?? .milliseconds(Int.random(in: 0...55_000, using: &random))
            delays[line.connection] = delay
            return (at: line.time + delay, number: number)
        }
        return arrivals.sorted { $0 < $1 }.map { day[$0.number] }
    }

    /// Each line is late by another time, so that the lines of one connection come in another order too.
    private static func shuffledLineByLine(_ day: [Line], seed: UInt64) -> [Line] {
        var random = SplitMix64(seed: seed)
        let arrivals = day.enumerated().map { number, line in
            (at: line.time + .milliseconds(Int.random(in: 0...55_000, using: &random)), number: number)
        }
        return arrivals.sorted { $0 < $1 }.map { day[$0.number] }
    }

    /// All that is known of each incident, but for when and in which order it was recorded.
    private func incidents(of lines: [Line], in place: String) async throws -> [String] {
        let log = folder.path + "/\(place).log"
        try Data(lines.map { $0.text + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: log))
        let configuration = try Configuration.load(file: nil, dataDirectory: folder.path + "/" + place)
        _ = try await Processing.run(Processing.Options(files: [log]), configuration, progress: { _, _ in })
        let excluded: Set = [
            "number", "opened_at", "updated_at", "resolved_at", "listed_at", "merged_into", "merged_because",
        ]
        return try await Workspace(configuration.dataDirectory).store.database.read { database in
            let evidence = try Dictionary(
                grouping: Row.fetchAll(database, sql: "SELECT incident, time, line, host FROM evidence ORDER BY time, line")
            ) { $0[0] as Int64 }
            let rows = try Row.fetchAll(
                database, sql: "SELECT i.*, p.labels AS parent FROM incident i LEFT JOIN incident p ON p.number = i.merged_into")
            return rows.map { row in
                let fields = row.filter { !excluded.contains($0.0) }.map { "\($0.0): \($0.1)" }
                let lines = (evidence[row["number"]] ?? []).map { "\($0.dropFirst().map { $0.1 })" }
                return (fields + lines).joined(separator: "\n")
            }.sorted()
        }
    }

    @Test func `are equal in every field in whatever order its connections come, twenty times`() async throws {
        let day = Self.day()
        let expected = try await incidents(of: day, in: "as-written")
        #expect(expected.count > 20, "an attack each two hours")
        for seed in 1...20 {
            let found = try await incidents(of: Self.shuffled(day, seed: UInt64(seed)), in: "shuffled-\(seed)")
            #expect(Set(found).symmetricDifference(expected).isEmpty, "seed \(seed)")
        }
    }

    @Test func `are equal in every field in whatever order its lines come, twenty times`() async throws {
        let day = Self.day()
        let expected = try await incidents(of: day, in: "as-written")
        for seed in 1...20 {
            let found = try await incidents(of: Self.shuffledLineByLine(day, seed: UInt64(seed)), in: "shuffled-\(seed)")
            #expect(Set(found).symmetricDifference(expected).isEmpty, "seed \(seed)")
        }
    }

    @Test func `come from the same rows after a replay of a file that was out of order`() async throws {
        _ = try await incidents(of: Self.shuffledLineByLine(Self.day(), seed: 1), in: "replayed")
        let configuration = try Configuration.load(file: nil, dataDirectory: folder.path + "/replayed")
        let before = try rows(of: Workspace(configuration.dataDirectory))
        _ = try Replaying.run("ssh", .init(), context: ParsingContext(), configuration, progress: { _ in })
        #expect(try rows(of: Workspace(configuration.dataDirectory)) == before)
    }

    /// Of silver, in their order of writing.
    private func rows(of workspace: Workspace) throws -> [String] {
        var rows: [String] = []
        let columns = ["event_time", "event", "outcome", "stage", "source", "user", "offset"]
        try workspace.lake.table("silver.ssh").scan(columns: columns) { batch in
            for row in 0..<batch.count {
                rows.append(columns.map { batch[$0]!.label(at: row) ?? "" }.joined(separator: "|"))
            }
            return true
        }
        return rows
    }
}
