import Columns
import Testing

@testable import Templates

struct `The template miner` {
    @Test func `keeps a word apart until it has had four values with nothing else different`() {
        var miner = TemplateMiner()
        let first = ["ee", "alt", "scip"].map { miner.assign("interface \($0) is up") }
        #expect(Set(first).count == 3)
        #expect(miner.assign("interface wlan is up") == first[0])
        #expect(first.allSatisfy { miner.resolve($0) == first[0] })
        #expect(string(miner.text(of: first[2])) == "interface <*> is up")
        #expect(miner.count == 1)
    }

    @Test func `never merges across the first word, unless it is a dotted name`() {
        var miner = TemplateMiner()
        for name in ["cupsd", "syslogd", "klogd", "portmap", "hcid", "sdpd"] { miner.assign("\(name) startup succeeded") }
        #expect(miner.count == 6)
        for name in ["daily", "weekly", "hourly", "monthly"] { miner.assign("com.example.\(name): asked to run") }
        #expect(miner.count == 7)
    }

    @Test func `takes a word where a number was for the same parameter`() {
        var miner = TemplateMiner()
        #expect(miner.assign("domain 17 is full") == miner.assign("domain root is full"))
        let other = miner.assign("queue backup has 3 rows"), number = miner.assign("queue 12 has 3 rows")
        #expect(miner.resolve(other) == miner.resolve(number))
        #expect(string(miner.text(of: other)) == "queue <*> has <*> rows")
    }

    @Test func `keeps the key of a value that varies`() {
        var miner = TemplateMiner()
        for name in ["root", "uucp", "ftp", "git"] { miner.assign("authentication failure; ruser= user=\(name)") }
        #expect(miner.texts == ["authentication failure; ruser= user=<*>"])
    }

    @Test(arguments: [2, 64, 16_384])
    func `gives the same templates with any size of cache`(entries: Int) {
        var limits = TemplateLimits()
        limits.cacheEntries = entries
        var plain = TemplateMiner(), other = TemplateMiner(limits: limits)
        for message in messages(3_000, seed: 6) { #expect(plain.assign(message) == other.assign(message)) }
        #expect(plain.state.bytes == other.state.bytes)
    }

    @Test func `gives a shape the same id in every run, whatever came before it`() {
        var one = TemplateMiner(), other = TemplateMiner()
        for message in messages(500, seed: 7) { other.assign(message) }
        for message in ["disk 7 is lost", "no route to 10.0.0.7", "é 🚨"] {
            let numbers = (one.assign(message), other.assign(message)), id = one.id(of: numbers.0)
            #expect(id != nil && id == other.id(of: numbers.1))
            #expect(TemplateTable.text(of: id ?? 0).utf8.count == 12)
        }
    }

    @Test func `stays within its bounds whatever comes`() {
        var limits = TemplateLimits()
        limits.templates = 32
        limits.aliases = 8
        var miner = TemplateMiner(limits: limits)
        var random = SplitMix64(seed: 9)
        for _ in 0..<5_000 {
            let line = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 32...122, using: &random) }
            let number = miner.assign(line.span)
            #expect(miner.count <= 32 && miner.id(of: number) != nil)
        }
        #expect(miner.slots.count <= 33 && miner.aliases.target.count <= 8)
        #expect(miner.takeChanges().count <= 4096)
    }

    @Test func `reports what became of templates, each change once`() {
        var miner = TemplateMiner()
        let changes = ["ee", "alt", "scip", "wlan"].flatMap { name in
            miner.assign("interface \(name) is up")
            return TemplateChange.settled(miner.takeChanges())
        }
        #expect(changes.map(\.kind) == [.new, .new, .new, .merged, .merged, .widened])
        #expect(changes.map(\.into).compactMap(\.self) == [changes[0].id, changes[0].id])
        #expect(string(changes.last?.text) == "interface <*> is up" && changes.last?.id == changes[0].id)
        #expect(!miner.hasChanges && miner.takeChanges().isEmpty)
    }
}

struct `The state of a template miner` {
    @Test func `lets another one go on as if there had been none`() throws {
        var whole = TemplateMiner(), first = TemplateMiner()
        let all = messages(2_000, seed: 7)
        for message in all[..<700] { #expect(whole.assign(message) == first.assign(message)) }
        var reader = StateReader(first.state.data)
        var second = try TemplateMiner(from: &reader)
        #expect(reader.isAtEnd && second.state.bytes == first.state.bytes)
        for message in all[700...] { #expect(whole.assign(message) == second.assign(message)) }
        #expect(whole.texts == second.texts && whole.state.bytes == second.state.bytes)
    }

    /// Damage within a checkpoint that its checksum did not show.
    @Test func `is refused or read when it is damaged, and the miner that read it works`() throws {
        var miner = TemplateMiner()
        for message in messages(200, seed: 11) { miner.assign(message) }
        let good = miner.state.bytes
        var random = SplitMix64(seed: 12)
        for _ in 0..<2_000 {
            var bad = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Int.random(in: 0..<4, using: &random) == 0 { bad.removeLast(Int.random(in: 0..<bad.count / 2, using: &random)) }
            var writer = StateWriter()
            for byte in bad { writer.write(byte: byte) }
            var reader = StateReader(writer.data)
            guard var read = try? TemplateMiner(from: &reader) else { continue }
            for message in messages(20, seed: 13) { read.assign(message) }
            _ = read.state
        }
    }

    @Test func `is refused at every length but its own, and beyond the bounds of the reader`() throws {
        var miner = TemplateMiner(), small = TemplateLimits()
        small.templates = 16
        for index in 0..<40 { miner.assign(String(repeating: "word ", count: index)) }
        let good = miner.state.data
        for count in 0..<good.count {
            var reader = StateReader(good.prefix(count))
            #expect(throws: StateReader.Damaged.self) { try TemplateMiner(from: &reader) }
        }
        var reader = StateReader(good)
        #expect(throws: StateReader.Damaged.self) { try TemplateMiner(from: &reader, limits: small) }
    }
}

struct `A token pattern` {
    @Test(arguments: [
        ("rhost=<*>", "rhost=a.b", true), ("rhost=<*>,", "rhost=a", false), ("<*>", "", true), ("a<*>b<*>c", "axxbyyc", true),
        ("a<*>b<*>c", "axxc", false), ("<*><*>", "x", true), ("abc", "abc", true), ("abc", "abd", false), ("<*>b", "bbbab", true),
    ])
    func `fits what its stars allow`(pattern: String, token: String, fits: Bool) {
        #expect(TokenRules.glob(bytes(pattern)[...], bytes(token)[...]) == fits)
    }

    @Test func `that generalises two tokens fits both`() {
        var random = SplitMix64(seed: 10)
        let parts = ["user", "=", "root", ",", ":", "(", ")", "<*>", "x", "\"", "a.b"]
        for _ in 0..<5_000 {
            let pair = (0..<2).map { _ in
                bytes((0..<Int.random(in: 1...5, using: &random)).map { _ in parts.randomElement(using: &random)! }.joined())
            }
            let merged = TokenRules.generalise(pair[0][...], pair[1][...])[...]
            #expect(TokenRules.glob(merged, pair[0][...]) && TokenRules.glob(merged, pair[1][...]))
        }
    }
}
