import Store
import Columns
import Detection
import Foundation
import GRDB
import Incidents
import Testing

@testable import Query

struct `The list of addresses to block` {
    private let now = Timestamp(year: 2026, month: 11, day: 21, hour: 12)

    private func store(_ findings: [(name: String, labels: Labels, ago: Int)]) throws -> TemporaryIncidents {
        let temporary = try TemporaryIncidents()
        for finding in findings {
            let time = now - .seconds(finding.ago)
            try temporary.record(
                Finding(
                    name: finding.name, detector: "rule", severity: .warning, labels: finding.labels, title: "t",
                    description: "d",
                    startsAt: time - .seconds(60), lastSeen: time, count: 12), at: now)
        }
        return temporary
    }

    private func listed(_ temporary: TemporaryIncidents, own: [String] = [], _ change: (inout BlocklistPolicy) -> Void = { _ in })
        throws -> [String]
    {
        var policy = BlocklistPolicy()
        change(&policy)
        return try Blocklist(temporary.incidents, policy, own: own.compactMap { IPAddress($0) }, now: now).entries.map(\.text)
    }

    @Test func `has the source of each incident of the rules that are chosen, once and the newest first`() throws {
        let incidents = try store([
            ("SSHBruteForce", ["source": "192.0.2.7", "host": "gate"], 600), ("SSHScanner", ["source": "192.0.2.8"], 60),
            ("SSHPasswordSpray", ["source": "192.0.2.7"], 300), ("SSHNewNetwork", ["source": "192.0.2.9", "user": "alice"], 60),
            ("SSHRotatingNetwork", ["source_net": "2001:db8:1:1::/64"], 30), ("SSHDistributedBruteForce", ["user": "root"], 60),
        ])
        #expect(try listed(incidents) == ["2001:db8:1:1::/64", "192.0.2.8", "192.0.2.7"])
        #expect(try listed(incidents) { $0.rules = ["SSHScanner"] } == ["192.0.2.8"])
    }

    @Test func `leaves out what was not seen for as long as entries last`() throws {
        let incidents = try store([
            ("SSHBruteForce", ["source": "192.0.2.7"], 3500), ("SSHBruteForce", ["source": "192.0.2.8"], 3700),
        ])
        #expect(try listed(incidents) { $0.expiry = .seconds(3600) } == ["192.0.2.7"])
    }

    @Test func `keeps an address whose incident ended by itself, and drops one that a person resolved`() throws {
        let incidents = try store([
            ("SSHBruteForce", ["source": "192.0.2.7"], 600), ("SSHBruteForce", ["source": "192.0.2.8"], 600),
        ])
        _ = try incidents.incidents.perform(.end(as: .falsePositive), on: "INC-1002", by: "ann", now: now)
        #expect(try listed(incidents) == ["192.0.2.7"])
        _ = try incidents.store.database.write { database in
            try database.execute(sql: "UPDATE incident SET state = 'resolved', resolution = 'quiet' WHERE number = 1001")
        }
        #expect(try listed(incidents) == ["192.0.2.7"])
    }

    @Test(arguments: [
        "10.0.0.7", "172.31.0.1", "192.168.1.1", "127.0.0.1", "::1", "fe80::1", "fd00::1", "100.64.0.9", "169.254.1.1",
        "224.0.0.1",
        "::ffff:10.0.0.7", "198.51.100.9", "198.51.100.200", "2001:db8:5::1", "example.com", "", "1.2.3", "0.0.0.0/0; flush",
    ])
    func `never has an address that is private, of this machine, allowed, or no address`(source: String) throws {
        let incidents = try store([("SSHBruteForce", ["source": source], 60)])
        let allowed = ["198.51.100.0/25", "2001:db8:5::/48"].compactMap { IPNetwork($0) }
        #expect(try listed(incidents, own: ["198.51.100.200"]) { $0.allow = allowed } == [])
    }

    @Test func `has private addresses when told, and no network around one that is allowed`() throws {
        let incidents = try store([
            ("SSHBruteForce", ["source": "10.0.0.7"], 60), ("SSHRotatingNetwork", ["source_net": "192.0.2.0/24"], 50),
        ])
        #expect(try listed(incidents) { $0.includesPrivate = true } == ["192.0.2.0/24", "10.0.0.7"])
        #expect(try listed(incidents) { $0.allow = [IPNetwork("192.0.2.77")!] } == [])
    }

    @Test func `is a file that nft loads again and again, with what is left of each time`() throws {
        let incidents = try store([
            ("SSHBruteForce", ["source": "192.0.2.7"], 600), ("SSHRotatingNetwork", ["source_net": "2001:db8:1:1::/64"], 30),
        ])
        var policy = BlocklistPolicy()
        policy.expiry = .seconds(3600)
        let list = try Blocklist(incidents.incidents, policy, own: [], now: now)
        #expect(
            list.text(.nftables) == """
                # addresses to block, by obs, 2026-11-21T12:00:00Z
                add table inet obs
                add set inet obs blocked4 { type ipv4_addr; flags interval, timeout; auto-merge; }
                flush set inet obs blocked4
                add element inet obs blocked4 {
                    192.0.2.7 timeout 3000s
                }
                add set inet obs blocked6 { type ipv6_addr; flags interval, timeout; auto-merge; }
                flush set inet obs blocked6
                add element inet obs blocked6 {
                    2001:db8:1:1::/64 timeout 3570s
                }

                """)
        #expect(list.text(.plain) == "2001:db8:1:1::/64\n192.0.2.7\n")
        let objects = try #require(try JSONSerialization.jsonObject(with: Data(list.text(.json).utf8)) as? [[String: String]])
        #expect(objects.map { $0["incident"] } == ["INC-1002", "INC-1001"])
        #expect(objects[1]["until"] == "2026-11-21T12:50:00Z")
    }
}
