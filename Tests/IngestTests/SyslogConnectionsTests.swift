import Testing

@testable import Ingest

struct `Connections of syslog` {
    @Test func `are bounded in all, and of each address`() {
        let open = SyslogListener.OpenConnections()
        for _ in 0..<SyslogListener.maxConnectionsPerAddress { #expect(open.add("192.0.2.1")) }
        #expect(!open.add("192.0.2.1"))
        #expect(open.add("192.0.2.2"), "others have room")
        open.remove("192.0.2.1")
        #expect(open.add("192.0.2.1"))
        var taken = SyslogListener.maxConnectionsPerAddress + 1, number = 0
        while open.add("2001:db8::\(number)") { (taken, number) = (taken + 1, number + 1) }
        #expect(taken == SyslogListener.maxConnections)
        open.remove("192.0.2.2")
        #expect(open.add("192.0.2.3"))
    }
}
