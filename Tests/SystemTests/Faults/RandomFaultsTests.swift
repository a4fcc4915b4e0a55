import Columns
import Foundation
import Glibc
import GRDB
import Lake
import TestSupport
import Testing

/// `OBS_RANDOM_FAULTS=1000 OBS_SEED=1 swift test --filter "Random faults"` is the long form; without it each fault comes once.
private let environment = ProcessInfo.processInfo.environment
private let rounds = Int(environment["OBS_RANDOM_FAULTS"] ?? "")
private let seed = UInt64(environment["OBS_SEED"] ?? "") ?? 1

/// What happens to a running obs or to what it stands on, for a moment.
private enum Fault: String, CaseIterable {
    case killed, stopped, full, doesNotWrite, isReadOnly, doesNotSync, doesNotRead, clockAhead, clockBack, receiverRefuses,
        receiverSilent, fewDescriptors, littleMemory

    var disk: FailingDisk.Kind? {
        switch self {
        case .full: .isFull
        case .doesNotWrite: .doesNotWrite
        case .isReadOnly: .isReadOnly
        case .doesNotSync: .doesNotSync
        case .doesNotRead: .doesNotRead
        default: nil
        }
    }
}

/// Guards against what no single fault shows: faults that meet each other's traces.
@Suite(.timeLimit(.minutes(180))) struct `Random faults` {
    @Test func `cost no line, no alert and no notification, and double none`() async throws {
        guard let obs = try FaultyRun() else { return }
        try await obs.receiver.start()
        try obs.configure()
        try await obs.start()
        var random = SplitMix64(seed: seed), count: [Fault: Int] = [:], struck = 0
        let all = Fault.allCases.shuffled(using: &random), start = ContinuousClock.now
        for round in 0..<(rounds ?? all.count) {
            let fault = rounds == nil ? all[round] : Fault.allCases.randomElement(using: &random)!
            count[fault, default: 0] += 1
            // An hour of the clock in 240 rounds.
            obs.moveClock(by: .seconds(Int.random(in: 5...25, using: &random)))
            try obs.bring(round)
            await obs.handOver()
            struck += try await suffer(fault, obs, .milliseconds(Int.random(in: 100...700, using: &random)), round)
            if !obs.isAlive {
                // A process that can open no file any more may end.
                let mayEnd = [Fault.killed, .littleMemory, .fewDescriptors].contains(fault)
                #expect(mayEnd, "round \(round), \(fault): obs has ended")
                obs.end(by: SIGKILL)
                try await obs.start()
            }
            if round % 50 == 49 {
                print("\(round + 1) faults, \(obs.pending.count) to hand over, after \(ContinuousClock.now - start)")
            }
        }
        try await settle(obs)
        try await check(obs)
        let posts = obs.receiver.posts
        print(
            """
            seed \(seed): \(count.values.reduce(0, +)) faults in \(obs.ahead) of its clock (\(ContinuousClock.now - start)): \
            \(count.map { "\($0.value) \($0.key.rawValue)" }.sorted().joined(separator: ", ")); \(struck) calls to the system \
            failed; \(obs.written.count) lines written, \(obs.pushed.count * 4) pushed, \(obs.alerts.count) alerts, \
            \(posts.count) notifications with \(Set(posts.map(\.idempotencyKey)).count) keys
            """)
        await obs.receiver.stop()
    }

    /// One fault, for so long, while more comes in; gives how many calls failed.
    private func suffer(_ fault: Fault, _ obs: FaultyRun, _ length: Duration, _ round: Int) async throws -> Int {
        var disk: FailingDisk?
        if let kind = fault.disk { disk = FailingDisk(kind, below: obs.data, at: 1, of: obs.process) }
        switch fault {
        case .killed: obs.end(by: SIGKILL)
        case .stopped: obs.signal(SIGSTOP)
        case .clockAhead: obs.moveClock(by: .seconds(600))
        case .clockBack: obs.moveClock(by: .seconds(-600))
        case .receiverRefuses: obs.receiver.become(.refusing)
        case .receiverSilent: obs.receiver.become(.silent)
        case .fewDescriptors: obs.limit("nofile", to: "16")
        case .littleMemory:
            let pages = try String(contentsOfFile: "/proc/\(obs.number)/statm", encoding: .utf8).prefix { $0 != " " }
            obs.limit("as", to: String((Int(pages) ?? 0) * 4096 + (1 << 20)))
        default: break
        }
        try obs.bring(1_000_000 + round)
        if obs.isAlive { await obs.handOver(patience: 0.5) }
        try await Task.sleep(for: length)
        switch fault {
        case .stopped: obs.signal(SIGCONT)
        case .receiverRefuses, .receiverSilent: obs.receiver.become(.well)
        case .fewDescriptors:
            obs.limit("nofile", to: "1024")
            await obs.answersOrEnds()
        case .littleMemory where obs.isAlive:
            obs.limit("as", to: "unlimited")
            // A crash takes its time to be written down.
            await obs.answersOrEnds()
        default: break
        }
        disk?.isMended()
        return disk?.struck ?? 0
    }

    /// Ends obs in order, starts it once more, and waits until all is done.
    private func settle(_ obs: FaultyRun) async throws {
        #expect(obs.end(by: SIGTERM) == 0)
        try await obs.start()
        #expect(
            await eventually(within: 600, every: .milliseconds(200)) {
                await obs.handOver(patience: 10)
                return obs.pending.isEmpty
            })
        let wanted = obs.written.count + obs.pushed.count * 4
        let isStored = await eventually(within: 600, every: .milliseconds(500)) { (try? lines(obs).count) ?? 0 >= wanted }
        #expect(isStored)
        #expect(await eventually(within: 600, every: .milliseconds(500)) { await obs.metric("obs_outbox_depth") == 0 })
        #expect(obs.end(by: SIGTERM) == 0)
    }

    private func lines(_ obs: FaultyRun) throws -> [String] {
        var lines: [String] = []
        try Lake(root: obs.data + "/lake").table("bronze.ssh").scan(columns: ["line"]) { batch in
            for row in 0..<batch.count { lines.append(batch["line"]!.string(at: row)!) }
            return true
        }
        return lines
    }

    private func check(_ obs: FaultyRun) async throws {
        let stored = Dictionary(try lines(obs).map { ($0, 1) }, uniquingKeysWith: +)
        for line in obs.written where stored[line] != 1 { Issue.record("\(stored[line] ?? 0) times in bronze: \(line)") }
        for parcel in obs.pushed.values {
            for line in parcel.body.split(separator: "\n").map(String.init) {
                // What nobody answered, its sender had to send again.
                let isWhole = (1...(1 + parcel.unanswered)).contains(stored[line] ?? 0)
                #expect(isWhole, "\(stored[line] ?? 0) times in bronze, sent \(parcel.unanswered + 1) times: \(line)")
            }
        }
        var keys: [String: Set<String>] = [:], told: Set<String> = []
        for post in obs.receiver.posts {
            for number in post.labels("n") { keys[number, default: []].insert(post.idempotencyKey) }
            told.formUnion(post.labels("source"))
        }
        for alert in obs.alerts {
            #expect(keys[alert]?.count == 1, "alert \(alert) was notified \(keys[alert]?.count ?? 0) times")
        }
        let guessing = try await Program.database(obs.data + "/obs.db").read { database in
            try String.fetchAll(
                database, sql: "SELECT DISTINCT json_extract(labels, '$.source') FROM incident WHERE labels LIKE '%\"source\"%'")
        }
        #expect(Set(guessing).subtracting(told).isEmpty)
        for command in [["check", "store"], ["lake", "verify"]] {
            let result = try Program.run(command + ["--data-dir", obs.data])
            #expect(result.status == 0, "\(command): \(result.output)\(result.errors)")
        }
    }
}
