import Synchronization
import Testing

@testable import Ingest

struct `Connections of syslog` {
    private let open = SyslogConnections(), start = ContinuousClock.now

    private func add(_ peer: String, after seconds: Int64 = 0, end: @escaping @Sendable () -> Void = {}) -> Int? {
        let admission = open.add(peer, now: start + .seconds(seconds), end: end)
        admission?.ended?()
        return admission?.number
    }

    @Test func `are bounded in all, and of each address`() throws {
        let first = try #require(add("192.0.2.1"))
        for _ in 1..<SyslogListener.maxConnectionsPerAddress { #expect(add("192.0.2.1") != nil) }
        #expect(add("192.0.2.1") == nil)
        let other = try #require(add("192.0.2.2"), "others have room")
        open.remove(first)
        #expect(add("192.0.2.1") != nil)
        var taken = SyslogListener.maxConnectionsPerAddress + 1, number = 0
        while add("2001:db8::\(number)") != nil { (taken, number) = (taken + 1, number + 1) }
        #expect(taken == SyslogListener.maxConnections)
        open.remove(other)
        #expect(add("192.0.2.3") != nil)
    }

    @Test func `give their place to a new one when they are idle longest, and keep it while there is room`() throws {
        let ended = Mutex<[Int]>([])
        @Sendable func end(_ number: Int) { ended.withLock { $0.append(number) } }
        var numbers: [Int] = []
        for number in 0..<SyslogListener.maxConnections {
            numbers.append(try #require(add("198.51.100.\(number % 200)", after: 1000) { end(number) }))
        }
        #expect(ended.withLock { $0 } == [], "idle for however long, while there is room")
        #expect(add("192.0.2.1", after: 1030) == nil, "not idle for a minute")
        // Two have sent something since, and of a third the lines are on their way to the disk.
        open.isIdle(numbers[0], true, now: start + .seconds(1040))
        open.isIdle(numbers[1], false)
        for number in numbers.dropFirst(3) { open.isIdle(number, true, now: start + .seconds(1050)) }
        #expect(add("192.0.2.1", after: 1100) != nil)
        #expect(ended.withLock { $0 } == [2])
        #expect(add("192.0.2.1", after: 1100) != nil)
        #expect(ended.withLock { $0 } == [2, 0])
        #expect(add("192.0.2.1", after: 1100) == nil)
        // The end of one whose place was taken takes no other place.
        open.remove(numbers[2])
        #expect(add("192.0.2.1", after: 1100) == nil)
    }

    @Test func `of one address take places of that address alone`() throws {
        let ended = Mutex<[String]>([])
        #expect(add("192.0.2.9") { ended.withLock { $0.append("other") } } != nil)
        for _ in 0..<SyslogListener.maxConnectionsPerAddress {
            #expect(add("192.0.2.1", after: 1) { ended.withLock { $0.append("own") } } != nil)
        }
        #expect(add("192.0.2.1", after: 100) != nil)
        #expect(ended.withLock { $0 } == ["own"])
    }
}
