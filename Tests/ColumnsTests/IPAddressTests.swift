import Columns
import Testing

struct `An address` {
    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"), ("::", "::"), ("0.0.0.0", "0.0.0.0"),
    ])
    func `is written as RFC 5952 has it`(text: String, written: String) { #expect(IPAddress(text)?.description == written) }

    @Test(arguments: [
        "", "a", "gate", "192.0.2", "192.0.2.256", "1.2.3.4.5", "::g", "12345::", String(repeating: "1", count: 100), "\u{0}::",
    ])
    func `is nothing else`(text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false), ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::1", "2001:db8::1", true), ("192.0.2.7/32", "192.0.2.8", false), ("2001:db8::8/125", "2001:db8::f", true),
        ("::/0", "2001:db8::1", true),
    ])
    func `is in a network that begins with the same bits`(network: String, address: String, isIn: Bool) throws {
        #expect(try #require(IPNetwork(network)).contains(try #require(IPAddress(address))) == isIn)
    }

    @Test(arguments: ["192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129", "gate/24", "/24", "1.2.3.4/2 4"])
    func `is not in what is no network`(text: String) { #expect(IPNetwork(text) == nil) }

    @Test(arguments: [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")])
    func `has the network of its owner`(address: String, network: String) throws {
        #expect(IPNetwork(around: try #require(IPAddress(address))).description == network)
    }
}
