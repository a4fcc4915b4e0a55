import Columns
import Foundation
import TestSupport
import Testing

@testable import Configuration
@testable import Notify

struct `Where notifications may go` {
    private struct Holder: Decodable { var to: Destinations }

    private func destinations(_ allowed: String) throws -> Destinations {
        try YAMLDocument("to: { allow: [\(allowed)] }", file: "obs.yaml").decode(Holder.self).to
    }

    /// The host of the address, the address that its name was looked up to, what is allowed, and whether it goes there.
    @Test(arguments: [
        ("hooks.example.org", "192.0.2.7", "", true), ("localhost", "127.0.0.1", "", true), ("10.1.2.3", "10.1.2.3", "", true),
        // Metadata services, by every spelling, and by a name that leads there.
        ("169.254.169.254", "169.254.169.254", "", false), ("metadata.example.org", "169.254.169.254", "", false),
        ("[::ffff:169.254.169.254]", "::ffff:169.254.169.254", "", false), ("a", "64:ff9b::a9fe:a9fe", "", false),
        ("[fe80::1]", "fe80::1%eth0", "", false), ("[fd00:ec2::254]", "fd00:ec2::254", "", false),
        ("a", "168.63.129.16", "", false),
        ("a", "100.100.100.200", "", false), ("[fd00:ec2::255]", "fd00:ec2::255", "", true),
        // Named, and not named by a network around all.
        ("169.254.169.254", "169.254.169.254", "169.254.169.254", true), ("a", "169.254.1.1", "169.254.1.0/24", true),
        ("a", "169.254.169.254", "a", false), ("a", "169.254.169.254", "0.0.0.0/0", false),
        ("a", "169.254.169.254", "0.0.0.0/0, '169.254.0.0/16'", true),
        // An allow list.
        ("hooks.slack.com", "192.0.2.7", "hooks.slack.com", true), ("HOOKS.slack.com.", "192.0.2.7", "hooks.slack.com", true),
        ("hooks.slack.com.evil.org", "192.0.2.7", "hooks.slack.com", false),
        ("xhooks.slack.com", "192.0.2.7", "hooks.slack.com", false),
        ("a.example.org", "192.0.2.7", "'*.example.org'", true), ("example.org", "192.0.2.7", "'*.example.org'", false),
        ("aexample.org", "192.0.2.7", "'*.example.org'", false), (".example.org", "192.0.2.7", "'*.example.org'", false),
        ("b", "10.9.8.7", "10.0.0.0/8", true), ("b", "11.9.8.7", "10.0.0.0/8", false),
        ("10.9.8.7", "10.9.8.7", "'10.0.0.0/8'", true),
        ("11.9.8.7", "11.9.8.7", "'10.0.0.0/8'", false), ("127.0.0.1", "127.0.0.1", "hooks.slack.com", false),
        ("é\u{301}.org", "192.0.2.7", "é.org", false),
    ])
    func `is decided by the name and by the address that it leads to`(
        host: String, address: String, allowed: String, isAllowed: Bool
    ) throws {
        let destinations = try destinations(allowed)
        let found = try #require(IPAddress(address))
        let objection = destinations.objection(toHost: host) ?? destinations.objection(to: found, host: host)
        #expect((objection == nil) == isAllowed, "\(objection ?? "goes")")
    }

    @Test(arguments: ["''", "'a b'", "'http://a'", "'*.'", "'a/b'", "'10.0.0.0/33'"])
    func `is a host, a name below one, an address or a network`(entry: String) {
        #expect { try destinations(entry) } throws: { "\($0)".contains("write a host such as") }
    }

    private func transfer(_ url: String, _ destinations: Destinations, follows: Bool = true) async -> HTTPAnswer {
        var http = HTTPClientConfiguration()
        http.followsRedirects = follows
        return await Courier(destinations: destinations).send(HTTPRequest(url: url), http)
    }

    @Test func `holds for the connection itself, and for each redirect`() async throws {
        let sink = try Sink()
        defer { sink.stop() }
        guard case .answered(200, _, _, _) = await transfer("http://localhost:\(sink.port)/", Destinations()) else {
            Issue.record("it goes to this machine")
            return
        }
        let known = sink.posts.count
        let refused = await transfer("http://localhost:\(sink.port)/", try destinations("hooks.slack.com"))
        let sentence = "alerting.destinations.allow does not name localhost; add it there if it is meant"
        #expect(refused == .failed(reason: "http://localhost:\(sink.port): \(sentence)"))
        // By its network: the name is looked up, and its address decides.
        let byNetwork = await transfer("http://localhost:\(sink.port)/", try destinations("192.0.2.0/24"))
        guard case .failed(let reason) = byNetwork else {
            Issue.record("\(byNetwork)")
            return
        }
        #expect(reason.contains("alerting.destinations.allow does not name localhost ("))
        #expect(sink.posts.count == known, "nothing was sent")
        let metadata = await transfer("http://169.254.169.254/latest/meta-data", Destinations())
        guard case .failed(let why) = metadata else {
            Issue.record("\(metadata)")
            return
        }
        #expect(why.contains("its address 169.254.169.254 is link-local or of a cloud's metadata service"))
        let hop = try Sink(answers: ["307 Elsewhere\r\nLocation: http://169.254.169.254/x"])
        defer { hop.stop() }
        let elsewhere = await transfer("http://127.0.0.1:\(hop.port)/", Destinations())
        #expect("\(elsewhere)".contains("169.254.169.254 is link-local"))
    }
}
