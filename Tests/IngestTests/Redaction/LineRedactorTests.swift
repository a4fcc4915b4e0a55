import Columns
import Foundation
import Parsing
import TestSupport
import Testing

@testable import Ingest

struct `Lines that are redacted` {
    private static let key = "0123456789abcdef0123456789abcdef"

    private func redactor(_ rules: (String, String?)..., key: String? = Self.key) throws -> LineRedactor {
        LineRedactor(
            try rules.map { pattern, text in
                .init(pattern: try RegularExpression(pattern, captures: true), replacement: text.map { .text($0) } ?? .hash)
            }, key: key.map { key in .init { key } }, keyPlace: 1)
    }

    private func redact(_ line: String, by redactor: LineRedactor) throws -> String {
        String(decoding: try redactor.redact(Array(line.utf8)), as: UTF8.self)
    }

    @Test func `have a text or a hash where a pattern found something, and are else as they were`() throws {
        let users = try redactor(("user (\\S+) from", nil))
        // HMAC-SHA-256 of `alice` by the key above, as `openssl dgst -sha256 -hmac` gives it.
        let alice = try redact("user alice from 192.0.2.7", by: users)
        #expect(alice.hasPrefix("user h-") && alice.hasSuffix(" from 192.0.2.7") && alice.utf8.count == 25 + 21)
        #expect(try redact("user alice from 192.0.2.7", by: users) == alice, "it joins")
        #expect(try redact("user alicf from 192.0.2.7", by: users) != alice)
        #expect(try redact("no user here", by: users) == "no user here")
        let mail = try redactor(("[a-z.]+@[a-z.]+", "<mail>"), ("card ([0-9]{4})[0-9]*", "****"))
        #expect(try redact("a@b.c to b.c@d.e, card 1234567", by: mail) == "<mail> to <mail>, card ****567")
        let two = try redactor(("(\\w+)=(\\w+)", "x"))
        #expect(try redact("a=b, c=d", by: two) == "x=x, x=x")
        #expect(try redact("((a=b))", by: try redactor(("((a)=(b))", "x"))) == "((x))", "of nested groups the outer one")
    }

    @Test func `are redacted by one rule after another`() throws {
        let rules = try redactor(("secret", "public"), ("public", "known"), ("nothing", "x"), ("known", nil))
        let line = try redact("secret secret", by: rules)
        #expect(!line.contains("secret") && !line.contains("known") && line.hasPrefix("h-"))
    }

    @Test func `keep nothing beside them, and lose nothing else`() throws {
        let rules = try redactor(("user (\\S+)", "-"))
        var builder = RawLinesBuilder()
        for (index, line) in ["user alice", "none", "user b\u{FF}"].enumerated() {
            let bytes = index == 2 ? Array("user b".utf8) + [0xFF, 0x78] : Array(line.utf8)
            builder.append(bytes.span, offset: Int64(index * 100), source: "a", file: "/f", arrival: Timestamp(microseconds: 7))
        }
        let lines = builder.finish(), redacted = try rules.redact(lines)
        #expect((0..<3).map { redacted["line"]!.string(at: $0) } == ["user -", "none", "user -"])
        #expect(redacted["raw"]?.nullCount == 3)
        for column in ["source", "file", "offset", "arrival_time"] {
            for row in 0..<3 {
                #expect(
                    redacted[column]!.value(at: row, as: .text).description
                        == lines[column]!.value(at: row, as: .text).description)
            }
        }
    }

    @Test func `are not kept at all without the key`() throws {
        for key in [nil, "short"] {
            let rules = try redactor(("user (\\S+)", nil), key: key)
            #expect(throws: RedactionError.self) { try rules.redact(Array("user alice\n".utf8)) }
        }
        #expect(try redact("user alice", by: try redactor(("user (\\S+)", "-"), key: nil)) == "user -")
    }

    /// Against a twin that is obvious: runs of digits become a mark, in any bytes.
    @Test func `are any bytes, in which only what matches changes`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        let rules = try redactor(("[0-9]+", "#"), ("never-there", "x"))
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ -> UInt8 in
                switch Int.random(in: 0..<6, using: &random) {
                case 0: UInt8.random(in: 0...255, using: &random)
                case 1: 10
                case 2: 0x80
                default: UInt8.random(in: 40..<64, using: &random)
                }
            }
            var expected: [UInt8] = [], isInside = false
            for byte in Array(String(decoding: bytes, as: UTF8.self).utf8) {
                let isDigit = (48..<58).contains(byte)
                if !isDigit { expected.append(byte) } else if !isInside { expected.append(35) }
                isInside = isDigit
            }
            #expect(try rules.redact(bytes) == expected, "seed \(seed): \(bytes)")
        }
    }

    /// A spool is on disk before its sender hears of it.
    @Test func `lie in a spool as they are redacted`() async throws {
        let folder = TemporaryFolder()
        let spool = try Spool(name: "web", folder: folder.path) { _ in false }
        await spool.redact(by: try redactor(("user (\\S+)", nil)))
        try await spool.append(Array("user alice\nuser bob".utf8))
        let kept = try String(contentsOfFile: spool.path, encoding: .utf8)
        #expect(!kept.contains("alice") && !kept.contains("bob") && kept.split(separator: "\n").count == 2)
        await spool.redact(by: try redactor(("user (\\S+)", nil), key: "short"))
        await #expect(throws: SpoolError.self) { try await spool.append(Array("user carol".utf8)) }
        #expect(try String(contentsOfFile: spool.path, encoding: .utf8) == kept)
    }
}
