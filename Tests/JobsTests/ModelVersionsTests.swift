import Columns
import Configuration
import Detection
import Foundation
import Incidents
import TestSupport
import Testing

@testable import Jobs

struct `A version of a model of windows` {
    private let folder = TemporaryFolder()

    private func settings(_ retrain: String = "null") throws -> WindowSettings {
        try JSONDecoder().decode(
            WindowSettings.self,
            from: Data(
                """
                {"name": "Odd", "kind": "ensemble", "table": "ssh_by_source", "by": "source", "model": "m", "severity": "info",
                 "title": "t", "description": "d", "retrain": \(retrain)}
                """.utf8))
    }

    private let all = Timestamp(seconds: 0)...Timestamp(seconds: 9_999_999_999)

    /// A model of rows like those of the table.
    private func model(threshold: Double, trainedAt: Timestamp = Timestamp(seconds: 1)) throws -> WindowModel {
        let schema = Schema([Field("window_start", .timestamp), Field("attempts", .int64), Field("failures", .int64)])
        let rows = try Batch(
            schema: schema,
            rows: (0..<40).map { [.timestamp(Timestamp(seconds: $0 * 300)), .int($0 % 3), .int($0 % 2)] as [Value] })
        var model = try #require(WindowModel(table: "ssh_by_source", windows: [rows], trees: 2, now: trainedAt))
        model.threshold = threshold
        return model
    }

    @Test func `is judged by what rules and people know of the windows`() async throws {
        let sources = (1...35).map { number in
            (address: "203.0.113.\(number)", resolution: number == 1 ? Incident.Resolution.falsePositive : nil)
        }
        let configuration = try await JudgedLog().processed(in: folder.path, sources)
        let workspace = try Workspace(configuration.dataDirectory)
        let windows = ModelWindows(workspace: workspace, settings: try settings())
        let qualities = try ModelComparison(windows: windows).qualities(
            of: [model(threshold: -100), model(threshold: 100)], on: all)
        let (every, none) = (qualities[0], qualities[1])
        #expect(every.windows >= 35 && every.found == every.windows && none.found == 0)
        #expect(every.real == every.realFound && every.real < every.windows && every.unknownFound > 0)
        #expect(none.reasonAgainst(every)?.contains("something happened") == true)
        #expect(every.reasonAgainst(every) == nil)
        // Windows in which something happened are not what is usual.
        let training = try windows.training(all)
        #expect(training.leftOut == every.real)
        #expect(training.windows.reduce(0) { $0 + $1.count } == every.windows - every.real)
    }

    private static let champion = WindowQuality(
        windows: 1000, found: 20, real: 10, realFound: 8, falseAlarms: 4, falseAlarmsFound: 2, days: 2)

    @Test(arguments: [
        (champion, nil),
        (WindowQuality(windows: 29, found: 9, real: 9, realFound: 9), "to compare on"),
        (WindowQuality(windows: 1000, found: 19, real: 10, realFound: 7, falseAlarmsFound: 2, days: 2), "something happened"),
        (WindowQuality(windows: 1000, found: 21, real: 10, realFound: 8, falseAlarmsFound: 3, days: 2), "false alarms"),
        (WindowQuality(windows: 1000, found: 21, real: 10, realFound: 8, falseAlarmsFound: 2, days: 2), nil),
        (WindowQuality(windows: 1000, found: 22, real: 10, realFound: 8, falseAlarmsFound: 2, days: 2), "other windows"),
    ]) func `takes the champion's place only when it is not worse`(challenger: WindowQuality, reason: String?) {
        let against = challenger.reasonAgainst(Self.champion)
        #expect(reason.map { against?.contains($0) == true } ?? (against == nil))
    }

    /// Forty addresses that fail once three hours ago, and again half an hour ago.
    private func calmDirectory() async throws -> Workspace {
        let now = Timestamp(seconds: Timestamp.now.microseconds / 1_000_000)
        let lines = [10_800, 1800].flatMap { ago in
            (1...40).map { number in
                "\(now - .seconds(ago - number)) gate sshd[\(ago + number)]: Failed password for user\(number) "
                    + "from 192.0.2.\(number) port 4242 ssh2"
            }
        }
        let log = folder.path + "/auth.log"
        try (lines.joined(separator: "\n") + "\n").write(toFile: log, atomically: true, encoding: .utf8)
        let configuration = try Configuration.load(file: nil, dataDirectory: folder.path + "/data")
        _ = try await Processing.run(Processing.Options(files: [log]), configuration, progress: { _, _ in })
        return try Workspace(configuration.dataDirectory)
    }

    @Test(arguments: [("by hand", 1), ("if not worse", 2)])
    func `is trained by the schedule on older windows, and promoted on newer ones where the settings let it`(
        promote: String, champion: Int
    ) async throws {
        let workspace = try await calmDirectory(), now = Timestamp.now
        let retraining = ModelRetraining(workspace)
        let settings = try settings(#"{"every": "1d", "window": "2d", "hold_back": "1h", "promote": "\#(promote)"}"#)
        #expect(try retraining.round(settings, now: now)?.entry.version == nil, "the first windows train the first version")
        _ = try workspace.models.save(model(threshold: 3.5, trainedAt: now - .seconds(86_399)), name: "m")
        #expect(try retraining.round(settings, now: now)?.entry.version == nil, "it is not a day old")
        let outcome = try #require(try retraining.round(settings, now: now + .seconds(1)))
        #expect(outcome.entry.version == 2 && outcome.entry.tags["trained_by"] == "schedule")
        #expect(outcome.entry.trainedOn >= 40 && outcome.entry.trainedOn < 80)
        #expect(try workspace.models.entry("m")?.version == champion)
        #expect((outcome.reasonAgainst == nil) == (champion == 2))
        #expect(try workspace.models.entry("m", at: "challenger")?.version == (champion == 2 ? nil : 2))
        #expect(try retraining.round(settings, now: now + .seconds(2))?.entry.version == nil, "it was done")
    }

    @Test func `is not trained again on too few windows`() async throws {
        let workspace = try await calmDirectory()
        _ = try workspace.models.save(model(threshold: 3.5), name: "m")
        let settings = try settings(#"{"window": "12h", "hold_back": "11h"}"#)
        #expect(throws: ModelError.self) { try ModelRetraining(workspace).round(settings, now: .now) }
        #expect(try workspace.models.list().count == 1)
    }

    @Test(arguments: [
        #"{"every": "1m"}"#, #"{"window": "1d", "hold_back": "1d"}"#, #"{"promote": "always"}"#, #"{"every": "soon"}"#,
    ])
    func `has a schedule that is refused where it cannot be kept`(retrain: String) {
        #expect(throws: DecodingError.self) { try settings(retrain) }
    }
}
