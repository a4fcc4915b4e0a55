import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

/// Processes that write notes, and are killed now and then, while others copy the database and put it back.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct `A backup of a database that is written to` {
    private static let writers = ["ann", "bob"]

    /// Which notes of each writer were begun, and which were said to be written.
    private struct Notes {
        var begun: [String: Int] = [:]
        var written: [String: [Int]] = [:]
        var kills = 0
        var wrong: [String] = []
    }

    private final class Book: Sendable {
        private let notes = Mutex(Notes())
        private let over = Atomic(false)

        var isOver: Bool { over.load(ordering: .relaxed) }
        var all: Notes { notes.withLock { $0 } }

        func end() { over.store(true, ordering: .relaxed) }
        func note(_ change: (inout Notes) -> Void) { notes.withLock { change(&$0) } }
    }

    private let folder = TemporaryFolder()
    private var data: String { folder.path + "/data" }

    /// `OBS_BACKUPS` says how many are made; 40 in the measured run.
    @Test func `is whole, has all that was written before it and no gap, and is restored, into the same directory too`()
        async throws
    {
        let rounds = ProcessInfo.processInfo.environment["OBS_BACKUPS"].flatMap(Int.init) ?? 3
        try folder.recordAttacks(from: 2, into: data)
        let book = Book()
        var before: [Notes] = [], restoredFrom = Notes(), restoredAt = Notes()
        await withTaskGroup(of: Void.self) { group in
            for writer in Self.writers {
                group.addTask { await besideThePool { while !book.isOver { write(as: writer, book) } } }
            }
            defer { book.end() }
            for round in 0..<rounds {
                let seen = book.all
                before.append(seen)
                await run(["backup", copy(round)], book)
                await waitForNotes(after: seen, book)
            }
            restoredFrom = book.all
            await run(["restore", copy(0)], book)
            restoredAt = book.all
            await waitForNotes(after: restoredAt, book)
        }
        let all = book.all
        #expect(all.wrong.isEmpty, "\(all.wrong.prefix(5))")
        for round in 0..<rounds { try checkCopy(round, before[round], all) }
        try checkLive(restoredFrom, restoredAt, all)
        if rounds >= 20 { print("\(rounds) backups, \(all.begun.values.reduce(0, +)) notes begun, \(all.kills) of them killed") }
    }

    private func copy(_ round: Int) -> String { folder.path + "/copy-\(round).db" }

    /// One more note; every third is killed somewhere in its work.
    private func write(as writer: String, _ book: Book) {
        do {
            let number = (book.all.begun[writer] ?? 0) + 1
            book.note { $0.begun[writer] = number }
            let process = try Program.start([
                "incident", "note", "1001", "\(number)", "--by", writer, "--data-dir", data,
            ])
            if number % 3 == 0 {
                usleep(UInt32.random(in: 0..<120_000))
                Program.kill(process, SIGKILL)
            }
            process.waitUntilExit()
            book.note {
                if process.terminationReason == .uncaughtSignal {
                    $0.kills += 1
                } else if process.terminationStatus == 0 {
                    $0.written[writer, default: []].append(number)
                } else {
                    $0.wrong.append("\(writer)'s note \(number) ended with \(process.terminationStatus)")
                }
            }
        } catch {
            book.note { $0.wrong.append("\(error)") }
        }
    }

    private func run(_ arguments: [String], _ book: Book) async {
        await besideThePool {
            do {
                let result = try Program.run(arguments + ["--data-dir", data])
                if result.status != 0 { book.note { $0.wrong.append(result.errors) } }
            } catch {
                book.note { $0.wrong.append("\(error)") }
            }
        }
    }

    /// Until each writer has written another note, so that something happens beside every copy.
    private func waitForNotes(after seen: Notes, _ book: Book) async {
        let haveWritten = await eventually {
            let now = book.all
            return Self.writers.allSatisfy { now.written[$0, default: []].count > seen.written[$0, default: []].count + 1 }
        }
        if !haveWritten { book.note { $0.wrong.append("the writers came to a halt") } }
    }

    /// The notes of a writer in a database, in the order in which they were written.
    private func notes(of writer: String, in path: String) throws -> [Int] {
        try Program.database(path).read {
            try Int.fetchAll(
                $0, sql: "SELECT CAST(text AS INTEGER) FROM timeline WHERE kind = 'note' AND actor = ? ORDER BY id",
                arguments: [writer])
        }
    }

    private func checkCopy(_ round: Int, _ before: Notes, _ all: Notes) throws {
        for writer in Self.writers {
            let found = try notes(of: writer, in: copy(round)), last = found.last ?? 0
            #expect(found == found.sorted() && Set(found).count == found.count)
            #expect(Set(found).isSuperset(of: before.written[writer] ?? []), "copy \(round) lacks what was written before it")
            let missing = (all.written[writer] ?? []).filter { $0 <= last && !found.contains($0) }
            #expect(missing.isEmpty, "copy \(round) lacks \(missing) of \(writer), and has \(last)")
        }
        let other = folder.path + "/restored-\(round)"
        for arguments in [
            ["restore", copy(round)], ["check", "store"], ["incident", "note", "1001", "after", "--by", "cid"],
            ["check", "store"],
        ] {
            let result = try Program.run(arguments + ["--data-dir", other])
            #expect(result.status == 0, "\(arguments): \(result.errors)")
        }
        #expect(try notes(of: "cid", in: other + "/obs.db").count == 1)
    }

    /// What was put back under the hands of the writers: the first copy and all that was written after; what was there before is kept.
    private func checkLive(_ from: Notes, _ at: Notes, _ all: Notes) throws {
        let kept = try #require(
            try FileManager.default.contentsOfDirectory(atPath: data).first {
                $0.hasPrefix("obs.db.before-") && !$0.contains("-wal") && !$0.contains("-shm")
            })
        for writer in Self.writers {
            let live = try notes(of: writer, in: data + "/obs.db")
            #expect(Set(live).isSuperset(of: try notes(of: writer, in: copy(0))))
            let after = (all.written[writer] ?? []).filter { $0 > (at.begun[writer] ?? 0) }
            #expect(Set(live).isSuperset(of: after), "what was written after the restoring is lost")
            #expect(Set(try notes(of: writer, in: data + "/" + kept)).isSuperset(of: from.written[writer] ?? []))
        }
        #expect(try Program.run(["check", "store", "--data-dir", data]).status == 0)
    }
}
