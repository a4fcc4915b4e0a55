import Columns
import Foundation
import Lake
import Synchronization
import TestSupport
import Testing

/// So often obs is killed, after so long at most: `OBS_KILLS=60 swift test --filter "from its first start on"` is the long form, of kills after up to 3 s.
private let kills = Int(ProcessInfo.processInfo.environment["OBS_KILLS"] ?? "") ?? 4
private let longest = ProcessInfo.processInfo.environment["OBS_KILLS"] == nil ? 1200 : 3000

/// A log that grows and rotates while obs is killed again and again.
@Suite(.serialized, .timeLimit(.minutes(40)))
struct `A log that obs follows from its first start on` {
    enum Rotation: String, CaseIterable, Sendable { case rename, copyTruncate, either }

    struct Kind: CustomTestStringConvertible, Sendable {
        var pattern: String
        var rotation: Rotation
        /// `obs process` is tried on the rotated files too.
        var isProcessed = false
        var testDescription: String { "\(pattern), \(rotation.rawValue)\(isProcessed ? ", and processed" : "")" }
    }

    static let kinds = [
        Kind(pattern: "auth.log", rotation: .rename), Kind(pattern: "auth.log", rotation: .copyTruncate),
        Kind(pattern: "auth.log*", rotation: .either), Kind(pattern: "auth.log*", rotation: .either, isProcessed: true),
    ]

    /// Writes lines, an attack now and then, and rotates: in a thread of its own, without regard to who reads.
    private final class Writer: Sendable {
        let path: String
        let rotation: Rotation
        /// What was moved away before obs ever saw it is not its business: nothing rotates before this file is there.
        let firstSeen: String
        private let state: Mutex<State>

        struct State {
            var random: SplitMix64
            var written = 0
            /// By the address of an attack: the numbers of its lines.
            var attacks: [String: Range<Int>] = [:]
            var rotations = 0
            var isStopped = false
            var hasEnded = false
            var error: String?
        }

        init(_ path: String, _ rotation: Rotation, firstSeen: String, seed: UInt64) {
            self.firstSeen = firstSeen
            self.path = path
            self.rotation = rotation
            state = Mutex(State(random: SplitMix64(seed: seed)))
        }

        var now: State { state.withLock { $0 } }
        func stop() { state.withLock { $0.isStopped = true } }

        func start() {
            Thread.detachNewThread { [self] in
                do {
                    while !now.isStopped { try turn() }
                } catch {
                    state.withLock { $0.error = "\(error)" }
                }
                state.withLock { $0.hasEnded = true }
            }
        }

        private func turn() throws {
            let isSeen = FileManager.default.fileExists(atPath: firstSeen)
            let (text, rotates, pause) = state.withLock { state in
                let isAttack = Int.random(in: 0..<40, using: &state.random) == 0
                let count = isAttack ? 12 : Int.random(in: 1...30, using: &state.random)
                let stamp = Date.now.formatted(.iso8601), first = state.written
                let attacker = "198.51.\(100 + state.attacks.count / 250).\(state.attacks.count % 250 + 1)"
                let text = (first..<first + count).map {
                    isAttack
                        ? "\(stamp) gate sshd[\($0)]: Failed password for root from \(attacker) port 4000 ssh2\n"
                        : "\(stamp) gate sshd[\($0)]: Connection closed by 192.0.2.\($0 % 250) port 4000\n"
                }.joined()
                if isAttack { state.attacks[attacker] = first..<first + count }
                state.written += count
                let rotates = Int.random(in: 0..<60, using: &state.random) == 0 && isSeen
                if rotates { state.rotations += 1 }
                return (text, rotates, UInt32.random(in: 1000...20_000, using: &state.random))
            }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
            usleep(pause)
            guard rotates else { return }
            // Rotations are minutes apart; so much is enough for the times of the files to tell which came first.
            usleep(25_000)
            try rotate()
            usleep(25_000)
        }

        private func rotate() throws {
            let files = FileManager.default
            var last = 1
            while files.fileExists(atPath: "\(path).\(last)") { last += 1 }
            for generation in (1..<last).reversed() {
                try files.moveItem(atPath: "\(path).\(generation)", toPath: "\(path).\(generation + 1)")
            }
            let copies =
                switch rotation {
                case .rename: false
                case .copyTruncate: true
                case .either: state.withLock { Bool.random(using: &$0.random) }
                }
            if copies {
                // As logrotate does it: by hand, so that no other way of the system's to copy is taken.
                try Data(contentsOf: URL(filePath: path)).write(to: URL(filePath: path + ".1"), options: [])
                truncate(path, 0)
            } else {
                try files.moveItem(atPath: path, toPath: path + ".1")
            }
        }
    }

    /// `OBS_KIND=3` runs the last of them only.
    private static let chosen = ProcessInfo.processInfo.environment["OBS_KIND"].flatMap(Int.init).map { [kinds[$0]] } ?? kinds

    @Test(arguments: chosen) func `is in the tables once, and every attack is notified`(kind: Kind) async throws {
        let seed = ProcessInfo.processInfo.environment["OBS_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...1_000_000)
        var random = SplitMix64(seed: seed)
        let folder = TemporaryFolder(), port = freePort()
        let recorder = try await WebhookRecorder()
        try FileManager.default.createDirectory(atPath: folder.path + "/log", withIntermediateDirectories: true)
        try """
        data_dir: data
        http: { listen: "127.0.0.1:\(port)" }
        sources: [{ name: auth, file: "log/\(kind.pattern)" }]
        alerting:
          route: { receiver: hook, group_by: [alertname, source], group_wait: 0s }
          receivers: [{ name: hook, webhook_configs: [{ url: "\(recorder.url)/hook" }] }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        func start() throws -> Process { try Program.start(["run", "-c", "obs.yaml"], in: folder.path) }
        let writer = Writer(
            folder.path + "/log/auth.log", kind.rotation, firstSeen: folder.path + "/data/checkpoints/ssh/checkpoint", seed: seed)
        writer.start()
        defer { writer.stop() }
        #expect(await eventually { writer.now.written > 0 })
        var refused = 0, processed = 0
        for _ in 0..<kills {
            let obs = try start()
            let life = Int.random(in: 50...longest, using: &random)
            let time = ContinuousClock.now
            if kind.isProcessed, Bool.random(using: &random) {
                try await Task.sleep(for: .milliseconds(life / 2))
                let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/log").filter { $0 != "auth.log" }
                let result = try Program.run(
                    ["process", "-c", "obs.yaml", "--quiet"] + names.sorted().reversed().map { "log/" + $0 }, in: folder.path)
                // A name may have moved on; whoever runs has the pipeline for himself.
                if result.errors.contains("is already being run by another process") { refused += 1 } else { processed += 1 }
                #expect(result.status == 0 || result.status == 3 || names.isEmpty, "\(result.errors)")
            }
            try await Task.sleep(until: time + .milliseconds(life), clock: .continuous)
            Program.kill(obs, SIGKILL)
        }
        writer.stop()
        #expect(await eventually { writer.now.hasEnded })
        let end = writer.now
        #expect(end.error == nil)
        let obs = try start()
        defer { Program.kill(obs, SIGKILL) }
        let lake = Lake(root: folder.path + "/data/lake")
        _ = await eventually(within: 180, every: .milliseconds(200)) {
            ((try? lake.table("bronze.ssh").rowCount()) ?? 0) >= end.written
        }
        var seen: [Int: Int] = [:], others: Set<Int> = []
        func notified() -> Set<String> { Set(recorder.posts.flatMap { $0.labels("source") }) }
        let expected = Set(end.attacks.keys)
        if !kind.isProcessed {
            #expect(
                await eventually(within: 120, every: .milliseconds(100)) { notified().isSuperset(of: expected) }, "seed \(seed)")
        }
        Program.kill(obs, SIGTERM)
        // Where each line was read: of one that is there twice, both places.
        var places: [Int: [String]] = [:]
        try lake.table("bronze.ssh").scan(columns: ["line", "source", "file", "offset", "arrival_time"]) { batch in
            for row in 0..<batch.count {
                let text = batch.row(row)[0].description
                let number = text.firstMatch(of: #/sshd\[(\d+)\]/#).flatMap { Int($0.1) } ?? -1
                seen[number, default: 0] += 1
                places[number, default: []].append(batch.row(row)[2...].map(\.description).joined(separator: " "))
                if batch.row(row)[1].description != "auth" { others.insert(number) }
            }
            return true
        }
        let missing = (0..<end.written).filter { seen[$0] == nil }, doubled = seen.filter { $0.value > 1 }.keys.sorted()
        #expect(
            missing.isEmpty && doubled.isEmpty && seen.count == end.written,
            """
            seed \(seed): \(missing.count) missing from \(missing.first ?? -1), \(doubled.count) twice of \(end.written), \
            from \(doubled.prefix(1).map { places[$0]! }) to \(doubled.suffix(1).map { places[$0]! })
            """)
        #expect(try lake.table("silver.ssh").rowCount() == end.written)
        // Of what 'obs process' reads incidents are made, and nobody is notified.
        let owed = end.attacks.filter { !$0.value.contains(where: others.contains) }.keys
        let missed = Set(owed).subtracting(notified())
        #expect(missed.isEmpty, "seed \(seed): \(missed.count) of \(owed.count) not notified")
        await recorder.stop()
        print(
            "\(kind.testDescription), seed \(seed): \(kills) kills, \(end.rotations) rotations, \(end.written) lines, \(missing.count) missing, \(doubled.count) twice, \(owed.count - missed.count) of \(end.attacks.count) attacks notified, \(others.count) lines by 'obs process', which ran \(processed) times and was refused \(refused) times"
        )
    }
}
