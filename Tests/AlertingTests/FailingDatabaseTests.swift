import Columns
import Detection
import Foundation
import GRDB
import Store
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Incidents

/// Guards against an incident that is lost, or a notification that is sent twice, because SQLite's calls to the system failed.
@Suite(.timeLimit(.minutes(30))) struct `A database whose disk fails` {
    @Test(arguments: FailingDisk.Kind.allCases, [1, Int.max])
    func `loses no incident, has its notification sent once, and says so meanwhile`(kind: FailingDisk.Kind, count: Int)
        async throws
    {
        // Of a run without a fault there are about so many calls, by kind.
        let calls = try await calls(kind)
        for call in FailingDisk.chosen(of: calls, about: 4) {
            let store = try TemporaryStore(), sink = try Sink(), metrics = MetricsRegistry(), health = HealthNotes()
            let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store, metrics: metrics, health: health)
            let disk = FailingDisk(kind, below: store.folder, at: call, count: count)
            try await alerting.whileRunning {
                try await record(alerting.inbox, disk)
                // A fault that lasts is met by the dispatcher too, unless nothing is left to do.
                let isSettled = { try store.incidents.incident("INC-1001").notifications.first?.state == .sent }
                #expect(await eventually(within: 60) { !health.all.isEmpty || ((try? isSettled()) ?? false) })
                disk.isMended()
                let isSent = try await eventually(within: 60) { try isSettled() && health.all.isEmpty }
                #expect(isSent, "\(kind), call \(call) of \(calls): \(health.all)")
            }
            #expect(sink.posts.count == 1, "\(kind), call \(call) of \(calls)")
            #expect(try store.incidents.incidents().count == 1)
            #expect(try store.store.problems() == [])
        }
    }

    /// As a pipeline does: again and again, until it is recorded.
    private func record(_ inbox: AlertInbox, _ disk: FailingDisk) async throws {
        for attempt in 0..<40 {
            do {
                _ = try await inbox.record([.bruteForce()])
                return
            } catch {
                #expect("\(error)".contains("disk") || "\(error)".contains("database"), "\(error)")
                if attempt == 3 { disk.isMended() }
                if attempt == 39 { throw error }
            }
        }
    }

    private func calls(_ kind: FailingDisk.Kind) async throws -> Int {
        let store = try TemporaryStore(), sink = try Sink(), disk = FailingDisk(kind, below: store.folder)
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        var calls = 0
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            let isSent = try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == .sent }
            #expect(isSent)
            calls = disk.seen
        }
        return max(1, calls)
    }

    @Test func `keeps the key of acknowledge links that it cannot read for a moment`() throws {
        let folder = TemporaryFolder(), database = folder.path + "/obs.db"
        let link = try AcknowledgeLinks(besides: database).url("INC-1", "http://obs", now: .start)
        do {
            let disk = FailingDisk(.doesNotRead, below: folder.path, at: 1)
            #expect { try AcknowledgeLinks(besides: database) } throws: { "\($0)".contains("cannot be read") }
            #expect(disk.struck > 0)
        }
        #expect(try AcknowledgeLinks(besides: database).url("INC-1", "http://obs", now: .start) == link)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["acknowledge.key"])
    }
}
