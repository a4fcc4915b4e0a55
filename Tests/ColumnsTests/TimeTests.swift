import Columns
import Testing

struct `A written time` {
    private static let cases: [(text: String, time: String?, rfc3339: Bool)] = [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", true), ("2026-11-21t10:00:00z", "2026-11-21T10:00:00Z", true),
        ("2026-11-21 10:00:00+01:00", "2026-11-21T09:00:00Z", true), ("2026-11-21T10:00:00+0100", "2026-11-21T09:00:00Z", true),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z", true), ("2026-11-21T10:00:00-11:30", "2026-11-21T21:30:00Z", true),
        ("2026-11-21T10:00:00.5Z", "2026-11-21T10:00:00.500Z", true),
        ("2026-11-21T10:00:00,5Z", "2026-11-21T10:00:00.500Z", true),
        ("2026-11-21T10:00:00.123456789Z", "2026-11-21T10:00:00.123456Z", true),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00Z", true), ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", true),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", true), ("2026-11-21T10:00:00", "2026-11-21T10:00:00Z", false),
        ("2026-11-21", "2026-11-21T00:00:00Z", false),
    ]
    private static let bad = [
        "", "2026", "2026-13-01", "2026-02-29", "2026-11-00", "2026-11-21T24:00:00Z", "2026-11-21T10:60:00Z",
        "2026-11-21T10:00:61Z",
        "2026-11-21T10:00:00+24:00", "2026-11-21T10:00:00+01:60", "2026-11-21T10:00:00+1:00", "2026-11-21T10:00:00Zx",
        "2026-11-21T10:00:00.Z", "2026-11-21T10:00Z", "26-11-21T10:00:00Z", "2026-11-21T10:00:00 Z", "yesterday", "1763719200",
        "2026-1١-21T10:00:00Z",
    ]

    @Test(arguments: cases) func `is read, and has a zone where RFC 3339 asks for one`(text: String, time: String?, rfc3339: Bool)
    {
        #expect(Timestamp(iso8601: text)?.description == time)
        #expect(Timestamp(rfc3339: text)?.description == (rfc3339 ? time : nil))
    }

    @Test(arguments: bad) func `is refused where it is not one`(text: String) {
        #expect(Timestamp(iso8601: text) == nil && Timestamp(rfc3339: text) == nil)
    }

    @Test func `may lack its seconds where the reader says so, and ends where it ends`() {
        let text = Array("at 2026-11-21T10:30+02:00, or so".utf8)
        #expect(ISOTime.read(text.span, at: 3)?.isValid == false)
        let time = ISOTime.read(text.span, at: 3, canLackSeconds: true)
        #expect(time?.timestamp.description == "2026-11-21T08:30:00Z" && time?.end == 25)
        let invalid = Array("2026-02-30T10:00:00Z".utf8)
        #expect(ISOTime.read(invalid.span)?.isValid == false)
    }

    @Test func `is read back as it was written, over all of the calendar`() {
        var random = SplitMix64(seed: 1970)
        for _ in 0..<2000 {
            let time = Timestamp(
                microseconds: Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &random))
            #expect(Timestamp(rfc3339: time.description) == time)
            #expect(time.withMilliseconds.utf8.count == 24)
        }
    }

    @Test func `is never read beyond its bytes, wherever it is cut or changed`() {
        var random = SplitMix64(seed: 7)
        let whole = Array("2026-11-21T10:00:00.123456+01:00".utf8)
        for _ in 0..<5000 {
            var bytes = Array(whole.prefix(Int.random(in: 0...whole.count, using: &random)))
            if !bytes.isEmpty { bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random) }
            if let time = ISOTime.read(bytes.span, canLackSeconds: .random(using: &random)) { #expect(time.end <= bytes.count) }
        }
    }
}
