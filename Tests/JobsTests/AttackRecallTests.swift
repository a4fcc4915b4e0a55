import Columns
import Configuration
import Query
import Testing

@testable import Jobs

/// The built-in rules for sshd on logs whose truth is known: `obs simulate ssh`.
struct `The rules for sshd` {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `find every attack of the simulator, break-ins as critical, and nobody who only mistyped`(seed: UInt64) throws {
        var options = AttackRecall.Options()
        options.seed = seed
        let found = try AttackRecall(options, Configuration.load(file: nil, dataDirectory: nil))
        #expect(found.recall == 1, "\(found.answer.rendered(as: .table))")
        #expect(found.mistakes == [])
        #expect(found.answer.rows.count > 8)
    }
}
