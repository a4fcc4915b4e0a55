import Columns
import Testing

@testable import Templates

struct `The masker` {
    @Test(arguments: [
        (
            "Failed password for invalid user bob from 10.0.0.7 port 4022 ssh2",
            "Failed password for invalid user <*> from <*> port <*> ssh2"
        ),
        ("Invalid user  from 1.2.3.4", "Invalid user  from <*>"),
        ("check pass; user unknown", "check pass; user unknown"),
        ("bssid 5c:50:15:36:bc:03, last RSSI -69", "bssid <*>, last RSSI <*>"),
        ("listens on fe80::c6b3:1ff:fecd:467f and fe80::1", "listens on <*> and <*>"),
        ("at Wed Jul 27 10:59:53 2005", "at <*>"),
        ("Sun is up, May be", "Sun is up, May be"),
        ("opened /var/log/app/x.log", "opened <*>"),
        ("and/or", "and/or"),
        ("start cmp=com.mm/.Main now", "start cmp=<*> now"),
        ("get.example.org:80 close, lifetime <1 sec", "<*> close, lifetime <*>"),
        ("ask 10.0.0.7:50010 to delete blk_-77 blk_42 blk_9", "ask <*> to delete <*>"),
        ("Rect(0, 0 - 720, 1280)", "Rect(<*> - <*>)"),
        ("wait state enable.................0", "wait state enable.................<*>"),
        ("acquire tag=\"View Lock\", name=x", "acquire tag=\"<*>\", name=x"),
        ("en0: link up on wl0", "en0: link up on wl0"),
        ("hash deadbeef facade decade", "hash <*> facade decade"),
        ("action:android.intent.action.SCREEN_ON", "action:<*>"),
        ("java.io.IOException: Connection reset", "java.io.IOException: Connection reset"),
        ("   two   blanks ", "two   blanks"),
        ("", ""),
    ])
    func `replaces what varies and keeps what reads`(message: String, expected: String) {
        #expect(masked(message) == expected)
    }

    @Test func `leaves a masked message as it is`() {
        for message in messages(500, seed: 3) {
            let once = masked(message)
            #expect(masked(once) == once)
        }
    }

    @Test func `gives equal signatures to messages with equal masked text, and only to them`() {
        let masker = MessageMasker(lineLength: 2_048, maxTokens: 128)
        var textOfHash: [UInt64: [UInt8]] = [:]
        for message in messages(2_000, seed: 4) {
            let line = bytes(message)
            let text = masker.text(line.span)
            let (hash, tokens) = masker.signature(line.span)
            #expect(textOfHash.updateValue(text, forKey: hash) ?? text == text)
            #expect(tokens == TemplatePattern(text: text).tokens.count)
        }
        #expect(Set(textOfHash.values).count == textOfHash.count)
    }

    @Test func `cuts a long message and many tokens, and says so with a mask`() {
        let masker = MessageMasker(lineLength: 20, maxTokens: 3)
        let long = bytes("abcdefghij klmnopqrstuvw"), many = bytes("a b c d e f g")
        #expect(string(masker.text(long.span)) == "abcdefghij klmnopqrs<*>")
        #expect(string(masker.text(many.span))?.hasPrefix("a b c ") == true)
        #expect(string(masker.text(many.span))?.hasSuffix("<*>") == true)
    }

    @Test func `cuts no character in two`() {
        let text = String(repeating: "é", count: 40) + "🚨🚨"
        for length in 16..<88 {
            let line = bytes(text), masked = MessageMasker(lineLength: length, maxTokens: 8).text(line.span)
            #expect(String(validating: masked, as: UTF8.self) != nil)
        }
    }

    @Test func `takes any bytes`() {
        var random = SplitMix64(seed: 5)
        let masker = MessageMasker(lineLength: 64, maxTokens: 8)
        for _ in 0..<20_000 {
            let line = (0..<Int.random(in: 0...90, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = masker.text(line.span)
            #expect(text.count <= 64 + 3 * 64)
        }
    }
}
