import Columns
import Testing

@testable import Simulation

struct `The SSH simulator` {
    private func lines(seed: UInt64, seconds: Int = 1800) -> (lines: [String], attacks: [SSHAttack]) {
        var options = SSHSimulator.Options(start: Timestamp(year: 2026, month: 11, day: 21))
        options.seed = seed
        var simulator = SSHSimulator(options)
        let lines = (0..<seconds).flatMap { _ in simulator.next() }
        return (lines, simulator.attacks)
    }

    @Test func `writes the same log for the same seed, and another for another`() {
        #expect(lines(seed: 1).lines == lines(seed: 1).lines)
        #expect(lines(seed: 1).lines != lines(seed: 2).lines)
    }

    @Test func `says which attacks it made up, and each is in the log`() {
        let (lines, attacks) = lines(seed: 5)
        #expect(attacks.count == 15)
        for attack in attacks.dropLast() { #expect(lines.contains { $0.contains(" \(attack.source) ") }) }
    }
}
