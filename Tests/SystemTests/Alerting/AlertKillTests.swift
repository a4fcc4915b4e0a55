import Columns
import Foundation
import Synchronization
import TestSupport
import Testing

/// What was acknowledged and what was owed, when obs is killed at random moments while alerts come in and a receiver refuses,
/// hangs and recovers.
@Suite(.timeLimit(.minutes(10)))
struct `Alerts through kills` {
    /// How often it is killed: OBS_ALERT_KILLS.
    private static let kills = ProcessInfo.processInfo.environment["OBS_ALERT_KILLS"].flatMap(Int.init) ?? 4

    /// Posts alerts without a pause and remembers those that were acknowledged.
    private final class Poster: Sendable {
        private let state = Mutex((next: 0, acknowledged: Set<String>(), isStopped: false))

        var acknowledged: Set<String> { state.withLock { $0.acknowledged } }
        func stop() { state.withLock { $0.isStopped = true } }

        func run(_ obs: RunningObs) async {
            while true {
                let numbers: Range<Int>? = state.withLock { state in
                    guard !state.isStopped else { return nil }
                    defer { state.next += 20 }
                    return state.next..<(state.next + 20)
                }
                guard let numbers else { return }
                let alerts = numbers.map {
                    #"{"labels":{"alertname":"K","n":"\#($0)","g":"\#($0 % 40)"},"endsAt":"2099-01-01T00:00:00Z"}"#
                }
                let answer = await obs.ask("/api/v2/alerts", method: "POST", body: "[\(alerts.joined(separator: ","))]")
                if answer.status == 200 { state.withLock { $0.acknowledged.formUnion(numbers.map(String.init)) } }
                try? await Task.sleep(for: .milliseconds(30))
            }
        }
    }

    @Test func `none that was acknowledged is lost, and every one is told`() async throws {
        let seed = ProcessInfo.processInfo.environment["OBS_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...9999)
        var random = SplitMix64(seed: seed)
        let isFlaky = Mutex(true)
        let turn = Mutex(SplitMix64(seed: seed &+ 1))
        // Of ten posts one and a half are refused and one is taken, but answered after obs has given up.
        let recorder = try await WebhookRecorder(answer: { _ in
            guard isFlaky.withLock({ $0 }) else { return 200 }
            let chance = turn.withLock { Double.random(in: 0..<1, using: &$0) }
            if chance < 0.15 { return 500 }
            if chance < 0.25 { try? await Task.sleep(for: .milliseconds(1500)) }
            return 200
        })
        let obs = try await RunningObs(
            alerting: """
                  route: { receiver: hook, group_by: [g], group_wait: 50ms, group_interval: 300ms, repeat_interval: 4h }
                  receivers: [{ name: hook, webhook_configs: [{ url: "\(recorder.url)/hook", timeout: 1s }] }]
                """)
        let poster = Poster()
        async let posting: Void = poster.run(obs)
        for _ in 0..<Self.kills {
            try await Task.sleep(for: .milliseconds(Int.random(in: 30...1200, using: &random)))
            obs.kill()
            try await obs.start()
        }
        poster.stop()
        await posting
        isFlaky.withLock { $0 = false }
        let acknowledged = poster.acknowledged
        func told() -> Set<String> { Set(recorder.posts.flatMap { $0.labels("n") }) }
        #expect(
            await eventually(within: 120) { acknowledged.isSubset(of: told()) },
            "seed \(seed): \(acknowledged.subtracting(told()).count) were never told")
        let known = ((await obs.ask("/api/v2/alerts").json as? [[String: Any]]) ?? []).compactMap {
            ($0["labels"] as? [String: String])?["n"]
        }
        #expect(acknowledged.isSubset(of: known), "seed \(seed): \(acknowledged.subtracting(known).count) are lost")
        #expect(!acknowledged.isEmpty)
        let repeated = Dictionary(grouping: recorder.posts, by: \.idempotencyKey).values.filter { $0.count > 1 }
        // A text that comes twice has its key twice: whoever keeps keys drops it.
        for posts in repeated { #expect(Set(posts.map(\.body)).count == 1, "seed \(seed)") }
        let again = repeated.reduce(0) { $0 + $1.count - 1 }
        await recorder.stop()
        print(
            """
            \(Self.kills) kills, seed \(seed): \(acknowledged.count) alerts acknowledged, \(acknowledged.subtracting(known).count) of them lost, \
            \(acknowledged.subtracting(told()).count) never told; \(recorder.posts.count) notifications, \(again) of them again under the same key
            """)
    }
}
