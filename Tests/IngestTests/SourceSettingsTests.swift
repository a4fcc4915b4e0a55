import Foundation
import Logging
import Telemetry
import TestSupport
import Testing

@testable import Ingest

struct `The settings of a source` {
    private func settings(_ json: String) throws -> SourceSettings {
        try JSONDecoder().decode(SourceSettings.self, from: Data(json.utf8))
    }

    @Test(arguments: [
        (#"{"name":"auth","file":"/var/log/auth.log","also":["/srv/*"]}"#, "/var/log/auth.log"),
        (#"{"name":"views","http":true}"#, "/api/v1/ingest/auth"), (#"{"name":"p","folder":"products"}"#, "products"),
        (#"{"name":"o","sqlite":"shop.db","table":"orders","key":"id"}"#, "shop.db#orders"),
        (#"{"name":"auth","journald":{}}"#, "journald"),
        (
            #"{"name":"net","syslog":{"udp":"0.0.0.0:514","tcp":"[::]:601"}}"#,
            "syslog on udp 0.0.0.0:514, tcp [::]:601"
        ),
        (
            #"{"name":"net","syslog":{"tls":{"listen":"0.0.0.0:6514","cert_file":"a","key_file":"b"}}}"#,
            "syslog on tls 0.0.0.0:6514"
        ),
        (#"{"name":"p","pipe":"/run/p"}"#, "/run/p"), (#"{"name":"p","pipe":"-"}"#, "standard input"),
        (
            #"{"name":"auth","journald":{"units":["ssh"],"facilities":["auth"],"directory":"/j"}}"#,
            "journald in /j: ssh, auth"
        ),
        (#"{"name":"auth","file":"a.log","http":false}"#, "a.log"),
    ])
    func `are those of the one kind whose key an entry has`(json: String, place: String) throws {
        #expect(try settings(json).place(of: "auth") == place)
        #expect(try settings(json) == settings(json))
    }

    @Test(arguments: [
        (#"{"name":"a"}"#, "source 'a' has none of file, journald, syslog, pipe, http, sqlite and folder; give one"),
        (#"{"name":"a","http":false}"#, "source 'a' has none of file, journald, syslog, pipe, http, sqlite and folder; give one"),
        (
            #"{"name":"a","file":"x","folder":"y"}"#,
            "source 'a' has several of file, journald, syslog, pipe, http, sqlite and folder; give one"
        ),
        (
            #"{"name":"a b","http":true}"#,
            "source 'a b' is pushed to; write letters, digits, '-' and '_' in its name, at most 64"
        ),
        (#"{"name":"j","journald":{"units":["a b"]}}"#, "units has 'a b'; write a name without blanks, of at most 255 bytes"),
        (#"{"name":"n","pipe":""}"#, "pipe is empty; write the path of a FIFO, or \"-\""),
        (
            #"{"name":"a b","pipe":"-"}"#,
            "source 'a b' has a spool; write letters, digits, '-' and '_' in its name, at most 64"
        ),
        (
            #"{"name":"n","syslog":{"tls":{"cert_file":"a","key_file":"b"}}}"#,
            "source 'n': write 'listen' in 'tls', with an address such as 0.0.0.0:6514"
        ),
        (#"{"name":"n","syslog":{"tcp":"601"}}"#, "tcp is '601'; write host and port such as 0.0.0.0:514"),
        (
            #"{"name":"n","syslog":{}}"#,
            "source 'n' listens nowhere; write 'udp' or 'tcp' with an address such as 0.0.0.0:514"
        ),
        (#"{"name":"j","journald":{"lines":"xml"}}"#, "lines is 'xml'; write text or json"),
        (
            #"{"name":"o","sqlite":"shop.db","table":"orders"}"#,
            "source 'o' reads a database; name its 'table' and 'key', a column that grows"
        ),
    ])
    func `are refused with a sentence where they cannot be`(json: String, sentence: String) {
        let error = #expect(throws: DecodingError.self) { try settings(json) }
        guard case .dataCorrupted(let context)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.debugDescription == sentence)
    }

    @Test func `differ where anything in them differs`() {
        let all: [SourceSettings] = [
            .file("a"), .file("b"), .folder("a"), .table("a", in: "a", key: nil), .table("a", in: "a", key: "k"),
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func `give no source that ends where nothing exists yet`() async throws {
        let folder = TemporaryFolder(), setup = SourceSetup(name: "s", metrics: MetricsRegistry(), logger: Logger(label: "test"))
        for settings in [
            SourceSettings.file(folder.path + "/*.log"), .folder(folder.path + "/a"),
            .table("t", in: folder.path + "/a.db", key: nil),
        ] {
            #expect(try await settings.endingSource(setup) == nil)
        }
        try Data("x\n".utf8).write(to: URL(filePath: folder.path + "/a.log"))
        #expect(try await SourceSettings.file(folder.path + "/*.log").endingSource(setup)?.partitions == [folder.path + "/a.log"])
    }
}
