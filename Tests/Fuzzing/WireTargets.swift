import Columns
import Foundation

@testable import Ingest

extension FuzzTarget {
    /// What comes over a network.
    static let wires: [FuzzTarget] = [
        FuzzTarget("syslog-framing", seeds: ["<38>a\n<38>b\n", "5 <38>a6 <38>bc", "5 <38>a\n<1>x"]) { bytes in
            // However the bytes come, the messages are the same.
            let whole = framed([bytes[...]])
            let middle = bytes.count / 2
            promise(framed([bytes[..<middle], bytes[middle...]]) == whole, "cut in the middle, other messages")
            promise(framed(bytes.indices.map { bytes[$0...$0] }) == whole, "byte by byte, other messages")
        },
        push("loki-json", [#"{"streams":[{"stream":{"a":"b"},"values":[["1","line",{"c":"d"}]]}]}"#]) {
            try LokiPush.read($0, isJSON: true, into: &$1)
        },
        push("loki-protobuf", bytes: [[10, 17, 10, 7] + Array("{a=\"b\"}".utf8) + [18, 6, 18, 4] + Array("line".utf8)]) {
            try LokiPush.read($0, isJSON: false, into: &$1)
        },
        push(
            "otlp-json",
            [
                #"{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"b"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"5","body":{"kvlistValue":{"values":[{"key":"c","value":{"intValue":"7"}}]}}}]}]}]}"#
            ]
        ) { try OTLPLogs.read($0, isJSON: true, into: &$1) },
        push("otlp-protobuf", bytes: [[10, 12, 18, 10, 18, 8, 42, 6, 10, 4] + Array("line".utf8)]) {
            try OTLPLogs.read($0, isJSON: false, into: &$1)
        },
        push("elasticsearch", ["{\"create\":{\"_index\":\"a\"}}\n{\"message\":\"b\",\"@timestamp\":1}\n{\"delete\":{}}\n"]) {
            _ = try BulkPush.read($0, index: "i", into: &$1)
        },
        push("splunk", [#"{"event":"a","time":1.5,"host":"h"}{"event":{"b":1},"fields":{"c":"d"}}"#]) {
            try HECPush.read($0, given: Labels(), into: &$1)
            HECPush.readRaw($0, given: Labels(), into: &$1)
        },
        FuzzTarget("snappy", bytes: [[8, 28] + Array("abcdefgh".utf8), [12, 12] + Array("abcd".utf8) + [17, 4]]) { bytes in
            if let text = try? Snappy.decompress(bytes.span, limit: 1 << 20) {
                promise(text.count <= 1 << 20, "more than the limit")
            }
        },
        FuzzTarget("body-coding", bytes: [[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 4, 0, 0x43, 0xBE, 0xB7, 0xE8, 1, 0, 0, 0]]) {
            bytes in
            for coding in ["gzip", "deflate", "zstd", "snappy"] { _ = try? BodyCoding.decode(bytes, coding) }
        },
    ]

    private static func framed(_ pieces: [ArraySlice<UInt8>]) -> [UInt8]? {
        var framing = SyslogFraming(), lines: [UInt8] = []
        for piece in pieces {
            // What was complete before the damage depends on where it was cut.
            do { try framing.take(piece.span, into: &lines) } catch { return nil }
        }
        framing.finish(into: &lines)
        return lines
    }

    /// A source of text and one of JSON, without their spools.
    private static let targets: [PushTarget] = ["text", "json"].map { name in
        let settings = try! JSONDecoder().decode(SourceSettings.self, from: Data("{\"name\":\"\(name)\",\"http\":true}".utf8))
        let folder = NSTemporaryDirectory() + "/obs-fuzz-\(ProcessInfo.processInfo.processIdentifier)-\(name)"
        return PushTarget(
            settings, name: name, spool: try! Spool(name: name, folder: folder) { _ in false }, readsJSON: name == "json")!
    }

    private static func push(
        _ name: String, _ seeds: [String] = [], bytes: [[UInt8]] = [],
        _ read: @escaping @Sendable ([UInt8], inout PushedLines) throws -> Void
    ) -> FuzzTarget {
        FuzzTarget(name, bytes: bytes + seeds.map { Array($0.utf8) }) { body in
            for named in [0, 1] {
                var lines = PushedLines(targets, named: named)
                try? read(body, &lines)
                promise(lines.texts[named].count { $0 == 10 } == lines.accepted, "a record is not one line")
            }
        }
    }
}
