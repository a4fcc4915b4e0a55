import Configuration
import Simulation
import Testing

@testable import Jobs

struct `A simulation` {
    private static let refusals: [(change: @Sendable (inout SimulationRun.Options) -> Void, sentence: String)] = [
        ({ $0.rate = 0 }, "--rate is '0.0'; write a number above 0 and at most 1000000"),
        ({ $0.rate = -1 }, "--rate is '-1.0'; write a number above 0 and at most 1000000"),
        ({ $0.rate = 1_000_000.5 }, "--rate is '1000000.5'; write a number above 0 and at most 1000000"),
        ({ $0.rate = .nan }, "--rate is 'nan'; write a number above 0 and at most 1000000"),
        ({ $0.delivery.late = 1.1 }, "--late is '1.1'; write a share from 0 to 1"),
        ({ $0.delivery.outOfOrder = -0.1 }, "--out-of-order is '-0.1'; write a share from 0 to 1"),
        ({ $0.delivery.corrupt = .nan }, "--corrupt is 'nan'; write a share from 0 to 1"),
        ({ $0.kind = "tram" }, "'tram' cannot be simulated; known are ssh, rail, shop, events, self"),
        ({ ($0.kind, $0.faults) = ("events", ["rain"]) }, "events has no fault 'rain'; known are surge, silence, meter"),
        ({ ($0.kind, $0.stream) = ("events", "stars") }, "events has no stream 'stars'; known are trips"),
        ({ $0.follows = true }, "--follow needs --out or --http"),
    ]

    @Test(arguments: refusals.indices) func `is refused with what can be written instead`(number: Int) {
        var options = SimulationRun.Options()
        Self.refusals[number].change(&options)
        let error = #expect(throws: UsageError.self) { try SimulationRun(options) { _ in } }
        #expect(error.map { "\($0)" } == Self.refusals[number].sentence)
    }

    @Test(arguments: [0.000_001, 1, 1_000_000]) func `may be as slow and as fast as it says`(rate: Double) throws {
        var options = SimulationRun.Options()
        options.rate = rate
        options.delivery.late = 1
        options.delivery.corrupt = 0
        _ = try SimulationRun(options) { _ in }
    }
}
