import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

struct `A partition` {
    @Test func `is of the bytes of its value: two normal forms are two`() throws {
        let folder = TemporaryFolder(), lake = Lake(root: folder.path)
        let table = try lake.table(
            "silver.rooms", creating: Schema([Field("room", .text), Field("n", .int64)]), partitionedBy: ["room"])
        let rooms = ["B\u{FC}ro", "Bu\u{308}ro", "a\u{301}\u{323}", "a\u{323}\u{301}"]
        try append(rooms.enumerated().map { [.text($1), .int(Int64($0))] }, to: table)
        let read = try rows(table).sorted { "\($0[1])" < "\($1[1])" }
        let forms = read.map { "\($0[1]) \($0[0].description.unicodeScalars.map { String($0.value, radix: 16) })" }
        #expect(read.map { OutsideText($0[0].description) } == rooms.map { OutsideText($0) }, "\(forms)")
    }
}
