import Alerting
import Columns
import Detection
import Foundation
import Ingest
import Store
import Streaming
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

/// Each kind of file in a data directory, cut to nothing, cut short, and with a bit that has changed: it is named, or nothing of it has changed that anybody reads. Files of tables are in
/// `DamagedTableTests`.
struct `A data directory with a damaged file` {
    private static let places = Int(ProcessInfo.processInfo.environment["OBS_DAMAGE_PLACES"] ?? "") ?? 20
    private let folder = TemporaryFolder()
    private var pristine: String { folder.path + "/pristine" }
    private var work: String { folder.path + "/work" }

    private struct Tiny: RegisteredModel {
        static let kind = "tiny"
        var features = ["a", "b"]
        var threshold = 0.5
        var trainedOn = 3
        var trainedAt = Timestamp(seconds: 1_700_000_000)
        func scores(of rows: Batch) -> [Double] { (0..<rows.count).map { _ in 0 } }
    }

    /// What a small run has left: an incident, gold rows, a checkpoint, a model, the key of links, pushed lines that wait.
    private func run() async throws {
        let log = folder.path + "/auth.log"
        let lines = (0..<40).map {
            "Nov 20 10:\(10 + $0 / 4):\(10 + $0 % 4 * 12) alp sshd[\($0)]: Failed password for root from 192.0.2.\($0 < 30 ? 7 : 7 + $0 % 3) port 51234 ssh2\n"
        }
        try lines.joined().write(toFile: log, atomically: true, encoding: .utf8)
        _ = try await Processing.run(
            Processing.Options(files: [log]), Configuration.load(file: nil, dataDirectory: pristine), progress: { _, _ in })
        let spool = try Spool(name: "push", folder: pristine + "/spool") { _ in false }
        for number in 0..<10 { try await spool.append(Array("line \(number)".utf8)) }
        let workspace = try Workspace(pristine)
        _ = try workspace.models.save(Tiny(), name: "tiny")
        // The first 'obs run' makes the key.
        _ = try AcknowledgeLinks(besides: workspace.store.path)
        try workspace.store.seal()
    }

    private func reset() throws {
        try? FileManager.default.removeItem(atPath: work)
        try FileManager.default.copyItem(atPath: pristine, toPath: work)
    }

    /// What an inspection says, or why there can be none.
    private func problems() -> [String] {
        do { return try DataInspection(Workspace(reading: work)).problems() } catch { return ["\(error)"] }
    }

    private func servedRows() throws -> [ServingStore.Entry] {
        try ServingStore(path: work + "/serve.db").rows(table: "ssh_by_source", limit: 1000)
    }

    @Test func `names it, whatever file it is`() async throws {
        try await run()
        try reset()
        #expect(problems() == [])
        let served = try servedRows()
        #expect(!served.isEmpty)
        let files = [
            "obs.db", "serve.db", "checkpoints/ssh-batch/checkpoint", "models/tiny/1/model.jsonl", "acknowledge.key",
            "spool/push.log",
        ]
        for (index, file) in files.enumerated() {
            let whole = try Data(contentsOf: URL(filePath: "\(pristine)/\(file)"))
            for damage in Damage.all(places: Self.places, seed: UInt64(index)) {
                let bad = damage.done(to: whole)
                try reset()
                try bad.write(to: URL(filePath: "\(work)/\(file)"))
                let found = problems()
                // A page of SQLite has room that holds nothing.
                if file == "serve.db", found.isEmpty, case .flippedBit = damage {
                    #expect(try servedRows() == served, "\(file), \(damage)")
                    continue
                }
                #expect(found.contains { $0.hasPrefix("\(work)/\(file): ") }, "\(file), \(damage): \(found)")
            }
        }
    }

    /// A bit in a text, of which SQLite itself knows nothing. Whoever opens the database for writing changes it: what was found is kept.
    @Test func `still names a page of the database when obs has been at work since`() async throws {
        try await run()
        try reset()
        var bytes = try Data(contentsOf: URL(filePath: work + "/obs.db"))
        let place = try #require(bytes.firstRange(of: Data("Failed password for root".utf8))).lowerBound
        bytes[place] ^= 1
        try bytes.write(to: URL(filePath: work + "/obs.db"))
        for _ in 0..<2 { try Workspace(work).store.seal() }
        let found = problems()
        #expect(found.count == 1 && found[0].hasPrefix("\(work)/obs.db: page "), "\(found)")
    }

    @Test func `makes the newest gold rows anew from the gold tables`() async throws {
        try await run()
        try reset()
        let served = try servedRows()
        try Data("nonsense".utf8).write(to: URL(filePath: work + "/serve.db"))
        // Another run, of nothing new.
        _ = try await Processing.run(
            Processing.Options(files: [folder.path + "/auth.log"]), Configuration.load(file: nil, dataDirectory: work),
            progress: { _, _ in })
        #expect(try servedRows() == served)
    }

    /// The clock was a day ahead for a while: what ran then by the schedule of tomorrow must not keep today's from running.
    @Test func `takes no run of the future for the last one`() throws {
        let runs = RunStore(try Workspace(work).store)
        let now = Timestamp(seconds: 1_750_000_000)
        for due in [now - .seconds(3600), now + .seconds(86_400)] {
            try runs.end(runs.begin("ssh", .schedule, due: due, now: due), now: due)
        }
        #expect(try runs.lastDue("ssh", now: now) == now - .seconds(3600))
        #expect(try runs.lastDue("ssh", now: now + .seconds(90_000)) == now + .seconds(86_400))
    }
}
