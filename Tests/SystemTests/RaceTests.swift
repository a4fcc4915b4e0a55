import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

/// Several processes at once on one database: two people who fight for incidents, one who is always killed in the act, and ten readers.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct `Two who act at once` {
    private let folder = TemporaryFolder()
    private var data: String { folder.path + "/data" }

    private static let incidents = 1001...1004
    private static let people = ["ann", "bob"]

    /// What the rounds have come to, for the books at the end and for whoever runs it longer.
    private struct Tally {
        var rounds = 0, kills = 0, answers = 0
        var slowestAnswer = Duration.zero
        var wrong: [String] = []
    }

    private final class Book: Sendable {
        private let tally = Mutex(Tally())
        private let over = Atomic(false)

        var isOver: Bool { over.load(ordering: .relaxed) }
        var all: Tally { tally.withLock { $0 } }

        func end() { over.store(true, ordering: .relaxed) }
        func note(_ change: (inout Tally) -> Void) { tally.withLock { change(&$0) } }
        func isWrong(_ what: String) { note { $0.wrong.append(what) } }
    }

    /// `OBS_RACE_SECONDS` says for how long; 60 in the measured run.
    @Test func `never both win, whoever is killed; readers never wait or see half of it; the timeline has every win`()
        async throws
    {
        let seconds = ProcessInfo.processInfo.environment["OBS_RACE_SECONDS"].flatMap(Int.init) ?? 4
        try folder.recordAttacks(from: Self.incidents.count, into: data)
        let book = Book()
        await withTaskGroup(of: Void.self) { group in
            for reader in 0..<10 {
                group.addTask {
                    await besideThePool {
                        while !book.isOver { read(reader, book) }
                    }
                }
            }
            group.addTask {
                await besideThePool {
                    let deadline = ContinuousClock.now + .seconds(seconds)
                    repeat { fight(Int.random(in: Self.incidents), book) } while ContinuousClock.now < deadline
                    book.end()
                }
            }
        }
        let result = book.all
        #expect(result.wrong.isEmpty, "\(result.wrong.prefix(5))")
        #expect(result.rounds > 0 && result.answers > 0)
        try checkBooks(result)
        if seconds >= 30 {
            print(
                "\(result.rounds) rounds, \(result.kills) kills, \(result.answers) answers to readers, the slowest after \(result.slowestAnswer)"
            )
        }
    }

    /// Both acknowledge one incident while a third writes a note; one of the three is killed in the act. Who has won resolves it, and it is reopened.
    private func fight(_ number: Int, _ book: Book) {
        do {
            let id = "INC-\(number)"
            var fighters: [Process] = []
            for person in Self.people {
                fighters.append(try Program.start(["incident", "ack", id, "--by", person, "--data-dir", data]))
            }
            let ghost = try Program.start(["incident", "note", id, "half", "--by", "ghost", "--data-dir", data])
            let victim = [fighters[0], fighters[1], ghost].randomElement()!
            // Somewhere in its work: how far it has come by then is up to the machine.
            usleep(UInt32.random(in: 0..<120_000))
            Program.kill(victim, SIGKILL)
            for process in fighters + [ghost] { process.waitUntilExit() }
            // Read here and not by one more process: more rounds in the same time.
            let winner = try Program.database(data + "/obs.db").read {
                try String.fetchOne($0, sql: "SELECT acknowledged_by FROM incident WHERE number = ?", arguments: [number])
            }
            for (person, process) in zip(Self.people, fighters) where process.terminationReason == .exit {
                let expected: Int32 = person == winner ? 0 : 3
                if process.terminationStatus != expected {
                    book.isWrong("\(person) ended with \(process.terminationStatus), \(winner ?? "nobody") has \(id)")
                }
            }
            if let winner {
                let loser = winner == "ann" ? "bob" : "ann"
                let late = try Program.run(["incident", "ack", id, "--by", loser, "--data-dir", data])
                if !late.errors.contains("acknowledged by \(winner) already") { book.isWrong(late.errors) }
                for (action, person) in [("resolve", winner), ("reopen", loser)] {
                    let done = try Program.run(["incident", action, id, "--by", person, "--data-dir", data])
                    if done.status != 0 { book.isWrong(done.errors) }
                }
            }
            book.note {
                $0.rounds += 1
                if victim.terminationReason == .uncaughtSignal { $0.kills += 1 }
            }
        } catch {
            book.isWrong("\(error)")
        }
    }

    private struct Seen: Decodable {
        struct Entry: Decodable { var kind, actor: String }
        var state: String
        var version: Int
        var acknowledged_by: String?
        var timeline: [Entry]
    }

    /// Whatever moment it is, state, version and name fit the timeline.
    private func read(_ reader: Int, _ book: Book) {
        do {
            let id = "INC-\(Self.incidents.lowerBound + reader % Self.incidents.count)", start = ContinuousClock.now
            let answer = try Program.run(["query", "incident", id, "-o", "json", "--data-dir", data])
            let took = ContinuousClock.now - start
            guard answer.status == 0 else { return book.isWrong("a reader ended with \(answer.status): \(answer.errors)") }
            let seen = try JSONDecoder().decode(Seen.self, from: Data(answer.output.utf8))
            let decisions = seen.timeline.filter { ["acknowledged", "resolved", "reopened"].contains($0.kind) }
            let state = ["acknowledged": "acknowledged", "resolved": "resolved"][decisions.last?.kind ?? ""] ?? "open"
            let owner = state == "acknowledged" ? decisions.last?.actor : seen.acknowledged_by
            let isWhole = seen.state == state && seen.version == 1 + decisions.count && seen.acknowledged_by == owner
            book.note {
                $0.answers += 1
                $0.slowestAnswer = max($0.slowestAnswer, took)
                if !isWhole { $0.wrong.append("a reader saw \(seen)") }
            }
        } catch {
            book.isWrong("\(error)")
        }
    }

    /// Each decision is on the timeline and in the audit, or in neither, and each timeline is a life that an incident can have.
    private func checkBooks(_ tally: Tally) throws {
        let question = """
            SELECT (SELECT count(*) FROM timeline WHERE kind = 'acknowledged') AS taken, (SELECT count(*) FROM timeline WHERE kind = 'note') AS notes,
                (SELECT count(*) FROM audit WHERE action = 'incident.acknowledge') AS taken_audited, (SELECT count(*) FROM audit WHERE action = 'incident.note') AS notes_audited
            """
        let counts = try Program.run(["query", "sql", question, "-o", "csv", "--data-dir", data]).output.split(separator: "\r\n")
            .last?.split(separator: ",")
        let numbers = (counts ?? []).compactMap { Int($0) }
        #expect(numbers.count == 4)
        #expect(numbers.first.map { $0 > 0 && $0 <= tally.rounds } == true, "\(numbers)")
        #expect(numbers.prefix(2) == numbers.suffix(2), "\(numbers)")
        for number in Self.incidents {
            let answer = try Program.run(["query", "incident", "\(number)", "-o", "json", "--data-dir", data])
            let kinds = try JSONDecoder().decode(Seen.self, from: Data(answer.output.utf8)).timeline.map(\.kind).filter {
                $0 != "note"
            }
            #expect(kinds.first == "opened")
            for (before, after) in zip(kinds, kinds.dropFirst()) {
                let next = [
                    "opened": "acknowledged", "acknowledged": "resolved", "resolved": "reopened", "reopened": "acknowledged",
                ][before]
                #expect(next == after, "INC-\(number): \(kinds)")
            }
        }
        #expect(try Program.run(["check", "store", "--data-dir", data]).status == 0)
    }
}
