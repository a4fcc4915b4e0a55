import Columns
import Foundation
import Testing

struct `A random name` {
    @Test func `is a UUID of version 4, and another each time`() throws {
        let names = (0..<1000).map { _ in RandomName.uuid() }
        #expect(Set(names).count == names.count)
        for name in names {
            let uuid = try #require(UUID(uuidString: name))
            #expect(name == uuid.uuidString.lowercased())
            #expect(uuid.uuid.6 >> 4 == 4 && uuid.uuid.8 >> 6 == 0b10)
        }
    }
}
