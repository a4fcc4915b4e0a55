import Columns
import Foundation
import Testing

@testable import Simulation

struct `Every simulator` {
    private static let start = Timestamp(year: 2026, month: 11, day: 21, hour: 12)

    private func lines(
        _ type: any Simulator.Type, seed: UInt64 = 1, hours: Int = 3, faults: [String]? = nil
    ) -> (lines: [SimulatedLine], truth: [SimulatedFault]) {
        var options = SimulationOptions(start: Self.start)
        options.seed = seed
        options.faults = faults
        if type.name != "rail" { options.rate = 0.5 }
        var simulator = type.init(options)
        var lines: [SimulatedLine] = []
        while simulator.time < Self.start + .seconds(hours * 3600) { lines += simulator.next() }
        return (lines, simulator.truth)
    }

    @Test func `writes the same lines for the same seed, and others for another`() {
        for type in Simulators.all {
            #expect(lines(type).lines == lines(type).lines, "\(type.name)")
            #expect(lines(type).lines != lines(type, seed: 2).lines, "\(type.name)")
        }
    }

    @Test func `writes all of its streams and no others`() {
        for type in Simulators.all {
            #expect(Set(lines(type).lines.map(\.stream)) == Set(type.streams.map(\.name)), "\(type.name)")
        }
    }

    @Test func `writes lines that are what their file says`() throws {
        for type in Simulators.all {
            let endings = Dictionary(uniqueKeysWithValues: type.streams.map { ($0.name, $0) })
            for line in lines(type, hours: 1).lines {
                let stream = endings[line.stream]!
                if stream.fileEnding == "jsonl" {
                    #expect(try JSONSerialization.jsonObject(with: Data(line.text.utf8)) is [String: Any], "\(line.text)")
                } else if let heading = stream.heading {
                    #expect(line.text.split(separator: ",").count == heading.split(separator: ",").count)
                }
            }
        }
    }

    @Test func `makes only the faults that are asked for, and says which`() {
        for type in Simulators.all where type.name != "ssh" {
            for fault in type.faults {
                let truth = lines(type, faults: [fault]).truth
                #expect(truth.count == 3 && truth.allSatisfy { $0.kind == fault }, "\(type.name) \(fault)")
            }
            #expect(lines(type, faults: []).truth.isEmpty)
        }
    }

    @Test(arguments: ["surge", "silence", "meter"])
    func `of events makes a fault in the zone and the time that it says, and nowhere else`(fault: String) throws {
        let (lines, truth) = lines(EventsSimulator.self, hours: 6, faults: [fault])
        let zones = EventsSimulator.zones.count
        for one in truth where one.end <= Self.start + .seconds(6 * 3600) {
            let trips = lines.filter { $0.time >= one.start && $0.time < one.end }.map { $0.text.split(separator: ",") }
            let own = trips.filter { $0[2] == one.subject }, others = trips.filter { $0[2] != one.subject }
            // Half a trip a second for a quarter of an hour, over all zones.
            let usual = 900 * 0.5 / Double(zones)
            #expect(Double(others.count) > usual * 0.7 * Double(zones - 1) && Double(others.count) < usual * 2 * Double(zones))
            switch fault {
            case "silence": #expect(own.isEmpty)
            case "surge": #expect(Double(own.count) > usual * 3)
            default:
                let tooDear = { (trip: [Substring]) in Double(trip[5])! > 3.6 + Double(trip[4])! * 2.2 }
                #expect(own.allSatisfy(tooDear) && !own.isEmpty && !others.contains(where: tooDear))
            }
        }
        #expect(truth.count >= 3)
    }
}

struct `The delivery of lines` {
    private let lines = (0..<2000).map {
        SimulatedLine("a", Timestamp(seconds: Int64($0)), "{\"n\":\($0)}")
    }

    private func deliver(_ options: Delivery.Options) -> (arrived: [SimulatedLine], counts: Delivery.Counts) {
        var delivery = Delivery(options)
        var arrived: [SimulatedLine] = []
        for line in lines { arrived += delivery.deliver([line], now: line.time) }
        arrived += delivery.finish()
        return (arrived, delivery.counts)
    }

    @Test func `loses nothing and doubles nothing, late or out of order`() {
        var options = Delivery.Options()
        options.late = 0.05
        options.outOfOrder = 0.2
        let (arrived, counts) = deliver(options)
        #expect(arrived != lines)
        #expect(arrived.sorted { $0.time < $1.time } == lines)
        #expect((60...140).contains(counts.late))
        #expect((330...470).contains(counts.outOfOrder))
    }

    @Test func `keeps out-of-order lines within their bound`() {
        var options = Delivery.Options()
        options.outOfOrder = 0.3
        var newest = Timestamp(seconds: 0)
        for line in deliver(options).arrived {
            #expect(newest - line.time <= .seconds(31))
            newest = max(newest, line.time)
        }
    }

    @Test func `damages as many lines as it says, the same ones for the same seed`() {
        var options = Delivery.Options()
        options.corrupt = 0.1
        let (arrived, counts) = deliver(options)
        let damaged = zip(arrived, lines).count { $0.text != $1.text }
        #expect((120...280).contains(counts.corrupt))
        #expect(damaged <= counts.corrupt && damaged > counts.corrupt / 2)
        #expect(deliver(options).arrived == arrived)
    }

    @Test func `changes nothing when nothing is asked for`() {
        #expect(deliver(Delivery.Options()).arrived == lines)
    }
}

struct `The history of a fleet` {
    @Test func `knows before each breakdown that it comes`() throws {
        let start = Timestamp(year: 2026, month: 1, day: 1)
        let table = RailHistory.table(seed: 1, days: 6, start: start)
        let label = try #require(table["breaks_down"])
        let ahead = (0..<table.count).count { label.number(at: $0) == 1 }
        #expect(ahead > 50)
        #expect(ahead < table.count / 5)
        // What the label tells shows: before a breakdown vibration is higher.
        let vibration = try #require(table["vibration"])
        func mean(_ wanted: Double) -> Double {
            let rows = (0..<table.count).filter { label.number(at: $0) == wanted }
            return rows.reduce(0.0) { $0 + vibration.number(at: $1)! } / Double(rows.count)
        }
        #expect(mean(1) > mean(0) + 0.5)
    }
}
