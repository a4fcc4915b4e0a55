import Columns
import Foundation
import Testing

@testable import Detection

@Suite("The cache of evidence")
struct EvidenceCacheTests {
    private func line(_ number: Int, bytes: Int = 0, host: String? = "web-1") -> (LineReference, Evidence) {
        let text = "line \(number) ä " + String(repeating: "x", count: bytes)
        let time = Timestamp(seconds: Int64(number))
        return (
            LineReference(time: time.microseconds, name: UInt32(number)),
            Evidence(file: "/var/log/auth.log", offset: Int64(number * 100), line: text, time: time, host: host)
        )
    }

    @Test func `gives back what was put in, with a host, an empty one and none`() {
        let cache = EvidenceCache()
        let lines = [line(1), line(2, host: ""), line(3, host: nil)]
        for (reference, evidence) in lines { cache.insert(evidence, as: reference) }
        #expect(cache.lines(lines.map(\.0)) == lines.map(\.1))
        #expect(cache.lines([LineReference(time: 1, name: 9)]).isEmpty)
    }

    @Test func `keeps the first of two lines of one reference`() {
        let cache = EvidenceCache(), (reference, evidence) = line(1)
        cache.insert(evidence, as: reference)
        cache.insert(line(2).1, as: reference)
        #expect(cache.lines([reference]) == [evidence])
    }

    @Test func `forgets the lines that came first when it is full, and gives the others unchanged`() {
        let cache = EvidenceCache()
        let lines = (0..<12_000).map { line($0, bytes: 900) }
        for (index, (reference, evidence)) in lines.enumerated() {
            cache.insert(evidence, as: reference)
            #expect(cache.bytes <= 4 << 20)
            #expect(cache.lines([reference]) == [evidence], "line \(index)")
        }
        let known = lines.filter { cache.contains($0.0) }
        #expect((3500...4200).contains(known.count))
        #expect(known.first?.0 == lines[lines.count - known.count].0)
        #expect(cache.lines(known.map(\.0)) == known.map(\.1))
    }

    @Test func `forgets the lines of events before a time, in whatever order they came`() {
        let cache = EvidenceCache()
        let lines = [5, 1, 4, 2, 3].map { line($0) }
        for (reference, evidence) in lines { cache.insert(evidence, as: reference) }
        cache.forget(before: 3_000_000)
        #expect(cache.lines(lines.map(\.0)) == [5, 4, 3].map { line($0).1 })
        cache.insert(line(6).1, as: line(6).0)
        #expect(cache.lines([line(6).0, line(3).0]) == [line(6).1, line(3).1])
    }

    @Test func `is after a restart what it was before, without what it had forgotten`() throws {
        let cache = EvidenceCache()
        let lines = (0..<6000).map { line($0, bytes: 900, host: $0 % 2 == 0 ? nil : "h\($0)") }
        for (reference, evidence) in lines { cache.insert(evidence, as: reference) }
        var writer = StateWriter()
        cache.encode(to: &writer)
        var reader = StateReader(Data(writer.bytes))
        let read = try EvidenceCache(from: &reader)
        #expect(read.bytes == cache.bytes)
        #expect(read.lines(lines.map(\.0)) == cache.lines(lines.map(\.0)))
    }
}
