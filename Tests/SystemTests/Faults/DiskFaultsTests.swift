import Foundation
import Glibc
import Lake
import TestSupport
import Testing

/// Guards against a disk that fails in silence, and an obs that does not go on when it is mended.
@Suite(.timeLimit(.minutes(20))) struct `A disk that fails under a running obs` {
    @Test(arguments: [
        (FailingDisk.Kind.doesNotWrite, "Input/output error"), (.isFull, "No space left on device"),
        (.isReadOnly, "Read-only file system"), (.doesNotSync, "Input/output error"), (.doesNotRead, "Input/output error"),
    ])
    func `is told by the answers, the log, the metrics and readiness, and costs nothing`(kind: FailingDisk.Kind, reason: String)
        async throws
    {
        guard let obs = try FaultyRun() else { return }
        try await obs.receiver.start()
        try obs.configure()
        try await obs.start()
        try obs.bring(0)
        await obs.handOver()
        #expect(obs.pending.isEmpty)
        let disk = FailingDisk(kind, below: obs.data, at: 1, of: obs.process)
        try obs.bring(1)
        #expect(
            await eventually {
                await obs.handOver()
                let ready = await obs.ask("/-/ready")
                return ready.text.contains("pipeline 'ssh' fails and is tried again") && ready.text.contains(reason)
            })
        #expect(disk.struck > 0)
        #expect(await obs.metric("obs_degraded{kind=\"failing_chore\"}") ?? 0 > 0)
        #expect(await obs.metric("obs_pipeline_failures_total{pipeline=\"ssh\"}") ?? 0 > 0)
        let log = try String(contentsOfFile: obs.folder.path + "/errors.log", encoding: .utf8)
        #expect(log.contains("a pipeline failed; it goes on from its last checkpoint") && log.contains(reason))
        // What changes something is refused in words while nothing can be written.
        if kind == .doesNotWrite || kind == .isReadOnly {
            let answer = await obs.ask("/api/v1/ingest/pushed", body: "a line")
            #expect(answer.status >= 500 && answer.text.contains(reason), "\(answer)")
        }
        disk.isMended()
        #expect(
            await eventually {
                await obs.handOver()
                return obs.pending.isEmpty
            })
        let lake = Lake(root: obs.data + "/lake"), wanted = obs.written.count + obs.pushed.count * 4
        #expect(await eventually { (try? lake.table("bronze.ssh").rowCount()) == wanted })
        #expect(await eventually { Set(obs.receiver.posts.flatMap { $0.labels("n") }) == obs.alerts })
        #expect(obs.end(by: SIGTERM) == 0)
        #expect(try lake.table("bronze.ssh").rowCount() == wanted)
        await obs.receiver.stop()
    }
}
