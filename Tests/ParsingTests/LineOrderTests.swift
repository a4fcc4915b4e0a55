import Columns
import Foundation
import Testing

@testable import Parsing

struct `Lines of sshd that are read from whole files` {
    private static let arrival = Timestamp(seconds: 1_800_000_000)

    /// Connections, one a second, of two lines each with different microseconds.
    private static func log(_ count: Int) -> [String] {
        (0..<count).flatMap { number in
            let time = Timestamp(seconds: 1_700_000_000 + Int64(number))
            func stamp(_ microseconds: Int64) -> String { (time + .microseconds(microseconds)).description }
            let address = "192.0.2.\(number % 250) port \(1024 + number)"
            return [
                "\(stamp(1)) web sshd[\(number + 2)]: Failed password for root from \(address) ssh2",
                "\(stamp(7)) web sshd[\(number + 2)]: Connection closed by authenticating user root \(address) [preauth]",
            ]
        }
    }

    private static func batch(_ lines: some Sequence<String>, from offset: Int) -> Batch {
        var builder = RawLinesBuilder()
        for (number, line) in lines.enumerated() {
            builder.append(
                Array(line.utf8).span, offset: Int64(offset + number), source: "files", file: "auth.log", arrival: arrival)
        }
        return builder.finish()
    }

    /// What the format gives of the lines in batches, with a restart before each; as text, in the order of its giving.
    private static func read(_ lines: [String], batches: [Int], orders: Bool = true, restarts: Bool = false) throws -> [String] {
        let context = ParsingContext(timeZone: .gmt, ordersLines: orders)
        var format: any LogFormat = SSHD(context: context), given: [String] = [], start = 0
        func take(_ parsed: ParsedBatch, _ raw: Batch) {
            for (event, row) in parsed.lineRows.enumerated() {
                let columns = ["event_time", "event", "outcome", "source", "user"].map {
                    parsed.events[$0]!.label(at: event) ?? ""
                }
                given.append((columns + [raw["line"]!.string(at: Int(row)) ?? ""]).joined(separator: "|"))
            }
            for line in parsed.rejected { given.append("rejected \(raw["line"]!.string(at: line.row) ?? "")") }
        }
        for size in batches where start < lines.count {
            let raw = batch(lines[start..<min(lines.count, start + size)], from: start)
            start += size
            take(RawLines.parse(raw, with: &format), raw)
            for due in format.due() { take(due.parsed, due.lines) }
            guard restarts else { continue }
            let state = try format.state
            format = SSHD(context: context)
            try format.restore(state)
        }
        if let rest = format.flush() { take(rest.parsed, rest.lines) }
        return given
    }

    private static func cuts(_ random: inout SplitMix64) -> [Int] {
        (0..<4000).map { _ in Bool.random(using: &random) ? Int.random(in: 1...40, using: &random) : 700 }
    }

    @Test func `are given as they came where they are in order`() throws {
        let log = Self.log(3000)
        let expected = try Self.read(log, batches: [log.count], orders: false)
        #expect(try Self.read(log, batches: [log.count]) == expected)
        var random = SplitMix64(seed: 1)
        #expect(try Self.read(log, batches: Self.cuts(&random), restarts: true) == expected)
    }

    @Test(arguments: 1...5)
    func `are given in order however they were shuffled and cut`(seed: Int) throws {
        let log = Self.log(3000)
        let expected = try Self.read(log, batches: [log.count], orders: false)
        var random = SplitMix64(seed: UInt64(seed))
        let shuffled = log.shuffled(using: &random)
        #expect(try Self.read(shuffled, batches: Self.cuts(&random), restarts: seed == 1) == expected)
        #expect(expected.filter { $0.contains("|abandoned|") }.isEmpty)
        #expect(try Self.read(shuffled, batches: [shuffled.count], orders: false) != expected)
    }

    @Test func `wait from the first on that is older than one before it`() throws {
        let log = Self.log(3000)
        var late = log
        late.swapAt(4001, 4100)
        let expected = try Self.read(late, batches: [late.count])
        // Those before were given as they came; the two that were exchanged are where they belong.
        #expect(Set(expected) == Set(try Self.read(log, batches: [log.count], orders: false)))
        let inOrder = try Self.read(log, batches: [log.count])
        #expect(expected.count == 6000 && expected[..<4001] == inOrder[..<4001])
        var random = SplitMix64(seed: 2)
        for _ in 0..<5 { #expect(try Self.read(late, batches: Self.cuts(&random), restarts: true) == expected) }
    }

    @Test func `are read as they are there where the pipeline says so`() throws {
        let context = ParsingContext(timeZone: .gmt, ordersLines: true)
        let options = FormatOptions(settings: [.init("order", "file")])
        var format: any LogFormat = try SSHD(context: context, options: options)
        #expect(RawLines.parse(Self.batch(Self.log(5).reversed(), from: 0), with: &format).events.count == 10)
        #expect(format.due().isEmpty && format.flush() == nil)
        let refused = #expect(throws: FormatError.self) {
            try SSHD(context: context, options: FormatOptions(settings: [.init("order", "name")]))
        }
        #expect(refused?.description == "the option 'order' of the format 'sshd' is 'name'; write time or file")
    }

    @Test func `that say how often the line before them was repeated stay behind it`() throws {
        var log = Self.log(600)
        // In the same second as other lines, which would be behind it by their times.
        log[21] = log[20].replacing("Failed password", with: "Accepted password")
        log.insert("\(log[20].prefix { $0 != " " }) web last message repeated 4 times", at: 21)
        let expected = try Self.read(log, batches: [log.count], orders: false)
        let repeated = try #require(expected.firstIndex { $0.hasSuffix("repeated 4 times") })
        #expect(expected[repeated].contains("|failed_password|"))
        log.swapAt(700, 702)
        #expect(try Self.read(log, batches: [log.count])[repeated] == expected[repeated])
    }

    @Test func `that are more than may wait go in steps, each line once`() throws {
        let log = Self.log(60_000)
        var random = SplitMix64(seed: 3)
        let shuffled = log.shuffled(using: &random)
        let given = try Self.read(shuffled, batches: [50_000, 50_000, 50_000])
        #expect(given.count == log.count && Set(given.map { $0.split(separator: "|").last! }) == Set(log.map { $0[...] }))
    }

    @Test func `keep those that are no lines of sshd behind the line before them`() throws {
        var log = Self.log(600)
        log.insert("not a line", at: 11)
        log.swapAt(3, 5)
        let given = try Self.read(log, batches: [7, 2000])
        #expect(given.filter { $0 == "rejected not a line" }.count == 1 && given.count == log.count)
    }

    @Test func `are refused from a checkpoint that is damaged, without a crash`() throws {
        let context = ParsingContext(timeZone: .gmt, ordersLines: true)
        var format: any LogFormat = SSHD(context: context)
        _ = RawLines.parse(Self.batch(Self.log(20).reversed(), from: 0), with: &format)
        let state = Array(try format.state)
        var random = SplitMix64(seed: 4)
        for _ in 0..<3000 {
            var bad = state
            bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            if Bool.random(using: &random) { bad.removeLast(Int.random(in: 0..<bad.count, using: &random)) }
            var next: any LogFormat = SSHD(context: context)
            guard (try? next.restore(Data(bad))) != nil else { continue }
            _ = next.flush()
        }
    }
}
