import Columns
import Foundation
import TestSupport
import Testing

@testable import Store

struct `A file that is sealed` {
    private let folder = TemporaryFolder()
    private let secret = SealedFile.Secret.key(Data(repeating: 7, count: 32))

    private func path(_ name: String) -> String { folder.path + "/" + name }

    private func write(_ bytes: Data, _ name: String) throws { try bytes.write(to: URL(filePath: path(name))) }

    private func opened(_ bytes: Data, with secret: SealedFile.Secret? = nil) throws -> Data {
        let name = "sealed-\(RandomName.uuid())"
        try write(bytes, name)
        try SealedFile.open(path(name), as: path(name) + ".open", with: secret ?? self.secret)
        return try Data(contentsOf: URL(filePath: path(name) + ".open"))
    }

    private func sealed(_ bytes: Data, with secret: SealedFile.Secret? = nil) throws -> Data {
        let name = "plain-\(RandomName.uuid())"
        try write(bytes, name)
        try SealedFile.seal(path(name), as: path(name) + ".sealed", with: secret ?? self.secret, rounds: 4)
        return try Data(contentsOf: URL(filePath: path(name) + ".sealed"))
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) func `is what it was when it is opened`(size: Int) throws {
        let plain = Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let bytes = try sealed(plain)
        #expect(try opened(bytes) == plain)
        #expect(bytes.count == 38 + size + 16 * max(1, (size + 65_535) / 65_536))
        #expect(size < 100 || bytes.range(of: plain.prefix(50)) == nil)
        #expect(try sealed(plain) != bytes, "no two are alike")
    }

    @Test func `opens by a passphrase, and by no other, nor by another kind of secret`() throws {
        let plain = Data("who did what".utf8)
        let bytes = try sealed(plain, with: .passphrase("correct horse é"))
        #expect(try opened(bytes, with: .passphrase("correct horse é")) == plain)
        for (secret, words) in [
            (SealedFile.Secret.passphrase("correct horse"), "the passphrase or the key is another"),
            (.passphrase("short"), "less than 8 bytes"), (self.secret, "it was encrypted with a passphrase"),
        ] {
            #expect { try opened(bytes, with: secret) } throws: { "\($0)".contains(words) }
        }
        let keyed = try sealed(plain)
        #expect { try opened(keyed, with: .key(Data(repeating: 8, count: 32))) } throws: { "\($0)".contains("is another") }
        #expect { try opened(keyed, with: .passphrase("correct horse")) } throws: { "\($0)".contains("with a key file") }
        #expect { try opened(keyed, with: .key(Data(count: 31))) } throws: { "\($0)".contains("less than 32 bytes") }
    }

    @Test func `does not open when it is cut, longer, in another order, or of two files`() throws {
        let plain = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
        let bytes = try sealed(plain), other = try sealed(plain), head = 38, piece = 65_552
        func part(_ index: Int, of bytes: Data) -> Data { bytes.dropFirst(head + index * piece).prefix(piece) }
        let cases: [(String, Data)] = [
            ("the last piece is missing", bytes.prefix(head + 3 * piece)), ("two are missing", bytes.prefix(head + 2 * piece)),
            ("all are missing", bytes.prefix(head)), ("a part of the head", bytes.prefix(20)), ("nothing", Data()),
            (
                "two are swapped",
                bytes.prefix(head) + part(1, of: bytes) + part(0, of: bytes) + part(2, of: bytes) + part(3, of: bytes)
            ),
            ("one is twice", bytes.prefix(head) + part(0, of: bytes) + part(0, of: bytes) + bytes.dropFirst(head + piece)),
            ("one is missing in the middle", bytes.prefix(head) + part(0, of: bytes) + bytes.dropFirst(head + 2 * piece)),
            ("one is of another file", bytes.prefix(head) + part(0, of: other) + bytes.dropFirst(head + piece)),
            ("the head is of another file", other.prefix(head) + bytes.dropFirst(head)), ("a byte more", bytes + Data([0])),
            ("it is there twice", bytes + bytes), ("it asks for memory without end", with(bytes, at: 14) { _ in 40 }),
        ]
        for (name, changed) in cases {
            #expect(throws: StoreError.self, "\(name)") { try opened(changed) }
        }
        // Nothing of what was opened by then is left.
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".open") }
        #expect(left.isEmpty)
    }

    private func with(_ bytes: Data, at place: Int, _ change: (UInt8) -> UInt8) -> Data {
        var bytes = bytes
        bytes[place] = change(bytes[place])
        return bytes
    }

    @Test func `does not open when any bit of it has changed, nor by any bytes that chance makes`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        let bytes = try sealed(Data((0..<70_000).map { UInt8(truncatingIfNeeded: $0) }))
        let places = Array(0..<60) + (0..<60).map { _ in Int.random(in: 0..<bytes.count, using: &random) } + [bytes.count - 1]
        for place in places {
            let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: StoreError.self, "byte \(place), bit \(bit), seed \(seed)") {
                try opened(with(bytes, at: place) { $0 ^ bit })
            }
        }
        for _ in 0..<100 {
            let noise = Data((0..<Int.random(in: 0..<300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
            #expect(throws: StoreError.self) { try opened(noise) }
            #expect(throws: StoreError.self) { try opened(SealedFile.title + Data([2, 4]) + noise) }
        }
    }
}
