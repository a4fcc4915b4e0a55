import Alerting
import Incidents
import Columns
import GRDB
import Jobs
import Foundation
import Store

/// What `Benchmarks/Incidents/questions.py` asks about: `incidents-bench fill DATA COUNT` makes a data directory with the incidents of a year,
/// `incidents-bench write DATA COUNT BATCH` measures how fast more are taken in.
@main
struct IncidentsBench {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 3, let count = Int(arguments[2]), count > 0 else {
            print("usage: incidents-bench fill DATA COUNT | write DATA COUNT BATCH")
            exit(2)
        }
        let workspace = try Workspace(arguments[1])
        switch arguments[0] {
        case "fill": try fill(workspace, count: count)
        default: try write(workspace, count: count, batch: arguments.count > 3 ? Int(arguments[3])! : 1000)
        }
        try workspace.store.checkpoint()
    }

    private static func fill(_ workspace: Workspace, count: Int) throws {
        // Nothing here must survive a power cut; the measured writes are durable.
        try workspace.store.database.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA wal_autocheckpoint = 50000")
        }
        let clock = ContinuousClock(), start = clock.now
        var history = try History(
            workspace, count: count, endingAt: Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6)))
        let bulk = try workspace.store.database.write { try BulkLoad($0) }
        var next = 0
        while let made = try history.advance() {
            guard made >= next else { continue }
            next += 50_000
            let seconds = (clock.now - start).inSeconds
            say(
                "\(made) incidents, \(Int(seconds)) s, \(Int(Double(made) / max(0.001, seconds))) a second with all that happened to them"
            )
        }
        try workspace.store.database.write { try bulk.finish($0) }
        say("indexes, labels and text search made, \(Int((clock.now - start).inSeconds)) s")
    }

    /// At once, also into a file: this takes minutes.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    /// The way that findings of a pipeline go: a transaction a batch, on disk before the next.
    private static func write(_ workspace: Workspace, count: Int, batch: Int) throws {
        let clock = ContinuousClock()
        var year = Year(seed: UInt64(Date().timeIntervalSince1970))
        var slowest = Duration.zero, opened = 0
        let start = clock.now, before = processorSeconds()
        var made = 0
        while made < count {
            let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6))
            let findings = (0..<min(batch, count - made)).map { _ in year.finding(at: now) }
            let took = try clock.measure {
                opened += try workspace.incidents.record(findings, routing: History.route, now: now).count {
                    if case .opened = $0 { true } else { false }
                }
            }
            slowest = max(slowest, took)
            made += findings.count
        }
        let seconds = (clock.now - start).inSeconds, processor = processorSeconds() - before
        let figures = [
            "\"findings\":\(made)", "\"opened\":\(opened)", "\"batch\":\(batch)", "\"seconds\":\(seconds)",
            "\"opened_a_second\":\(Int(Double(opened) / seconds))",
            "\"processor_milliseconds_each\":\(processor * 1000 / Double(made))",
            "\"slowest_batch_seconds\":\(slowest.inSeconds)",
        ]
        say("{\(figures.joined(separator: ","))}")
    }

    /// What the whole process has used: other work on the machine does not change it much.
    private static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
