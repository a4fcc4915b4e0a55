import Columns
import Foundation
import Lake
import TestSupport
import Testing

/// What is learned from rows is in the checkpoint of the pipeline, and a kill at any moment loses none of it.
@Suite(.timeLimit(.minutes(10)))
struct `Detectors that learn, of an obs that is killed` {
    private static let kills = 5
    /// Values of two series, ten minutes apart, for four days. Near the end one is far off, and its job lacks its end.
    private static let rows = 600

    private static let pipeline = """
        name: pumps
        format: json
        commit_interval: 50ms
        columns:
          - { name: event_time, type: timestamp, path: ts }
          - { name: pump, type: text }
          - { name: heat, type: double }
          - { name: job, type: text }
          - { name: step, type: text }
        steps:
          - expect: usual
        """

    /// All that a finding knows is in its title, so that two that differ in the last digit differ.
    private static let detections = """
        - name: HeatUnusual
          kind: series
          pipeline: pumps
          column: heat
          group_by: [pump]
          severity: info
          title: "{pump} {value} {expected} {low} {high} {score} {deviations}"
          description: "{reason} {since}"
        - name: JobUnusual
          kind: sequence
          pipeline: pumps
          event: step
          session: job
          severity: info
          title: "{session} {event} {count} {usual}"
          description: "{reason}"
        """

    private static func lines(_ row: Int) -> String {
        let time = Timestamp(seconds: 1_780_000_000 + Int64(row) * 600)
        let isOdd = row == rows - 5
        let heat = isOdd ? 900.0 : 40 + 10 * sin(Double(row % 144) / 144 * 2 * .pi) + Double(row * 7919 % 13) / 10
        let steps = ["begin", "work", "work", "end"].dropLast(isOdd ? 1 : 0)
        return steps.map { step in
            #"{"ts":"\#(time)","pump":"p\#(row % 2)","heat":\#(heat),"job":"job-\#(row)","step":"\#(step)"}"# + "\n"
        }.joined()
    }

    private func write(_ folder: String, port: Int) throws {
        try Self.pipeline.write(toFile: folder + "/pumps.yaml", atomically: true, encoding: .utf8)
        try Self.detections.write(toFile: folder + "/rules.yml", atomically: true, encoding: .utf8)
        try """
        data_dir: data
        pipelines: [pumps.yaml]
        detections: [rules.yml]
        http: { listen: "127.0.0.1:\(port)" }
        sources: [{ name: pumps, pipeline: pumps, file: pumps.log }]
        """.write(toFile: folder + "/obs.yaml", atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: folder + "/pumps.log", contents: nil)
    }

    private func append(_ rows: Range<Int>, _ folder: String) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: folder + "/pumps.log"))
        try file.seekToEnd()
        try file.write(contentsOf: Data(rows.map(Self.lines).joined().utf8))
        try file.close()
    }

    /// The titles of the incidents, by the one that they were found by.
    private func incidents(_ folder: String) throws -> [String] {
        let text = try Program.run(["query", "incidents", "-c", "obs.yaml", "-o", "jsonl"], in: folder).output
        return text.split(separator: "\n").compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["title"] as? String
        }.sorted()
    }

    private func follow(_ folder: String, kills: Int) async throws -> [String] {
        try write(folder, port: freePort())
        let lake = Lake(root: folder + "/data/lake"), part = Self.rows / (kills + 1)
        func rowCount() -> Int { (try? lake.table("silver.pumps").rowCount()) ?? 0 }
        for kill in 0..<kills {
            let obs = try Program.start(["run", "-c", "obs.yaml"], in: folder)
            try append(part * kill..<part * (kill + 1), folder)
            // Somewhere in the middle of reading, committing or neither.
            let most = rowCount() + part
            #expect(await eventually(within: 60, every: .milliseconds(20)) { rowCount() >= most })
            Program.kill(obs, SIGKILL)
        }
        try append(part * kills..<Self.rows, folder)
        let obs = try Program.start(["run", "-c", "obs.yaml"], in: folder)
        defer { Program.kill(obs, SIGKILL) }
        #expect(await eventually(within: 120, every: .milliseconds(200)) { rowCount() == Self.rows * 4 - 1 })
        #expect(await eventually(within: 60, every: .milliseconds(200)) { (try? incidents(folder).count) ?? 0 >= 2 })
        return try incidents(folder)
    }

    @Test func `find what they would have found, with the same numbers`() async throws {
        let once = TemporaryFolder(), killed = TemporaryFolder()
        let expected = try await follow(once.path, kills: 0)
        #expect(expected.count == 2 && expected[0] == "job-595 end 0 1" && expected[1].hasPrefix("p1 900 "), "\(expected)")
        let found = try await follow(killed.path, kills: Self.kills)
        #expect(found == expected)
    }
}
