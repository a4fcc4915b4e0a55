import Columns

/// The clocks of the hosts whose lines are in one partition, and the event time that the partition as a whole has reached.
///
/// Each host has its own clock, and one that is an hour or a day ahead must not make the rows of the others late. So a row is
/// measured
/// against the newest time of its own host, and the partition is as far as the slowest of its hosts. A clock counts only within
/// limits:
///
/// | a row or host | does not move the watermark |
/// |---|---|
/// | is further ahead of its arrival than the allowed skew | the row: its clock is wrong; it is kept and counted |
/// | has no stamp, so that its time is its arrival | the row, once other rows of the partition have stamps |
/// | wrote none of the last ``keptRows`` rows, or nothing for as long as a partition needs to be idle | the host is not waited
/// for |
/// | is more than ``maxLag`` behind, while another host's rows are as old as their arrival | the host is not waited for |
///
/// All of this follows from the rows, their order and their arrival, which bronze keeps, and never from the time of processing.
struct HostClocks: Sendable {
    /// Any further host shares the clock of rows without a host: anybody who can write to the log can invent names.
    static let maxHosts = 256
    static let keptRows: Int64 = 1000
    static let maxLag: Int64 = 86_400_000_000

    struct Clock: Sendable, Equatable {
        var name: String
        var newest: Int64
        var first: Int64
        var lastRow: Int64
        var lastArrival: Int64
    }

    private(set) var clocks: [Clock] = []
    private var places: [String: Int] = [:]
    /// Rows so far.
    private(set) var row: Int64 = 0
    /// The least newest time of the hosts that are waited for; never falls.
    private(set) var reached = Int64.min
    /// Whether a row had a time of its own.
    private(set) var hasStamp = false
    /// The arrival at which hosts were last asked whether they are still waited for.
    private var asked = Int64.min
    /// The row after which the first of the hosts that hold the watermark back is no longer waited for, unless it writes again.
    private var expiry = Int64.min

    init() {}

    var isFull: Bool { clocks.count >= Self.maxHosts }

    /// The place of a host's clock, made if it is new.
    mutating func place(of host: String) -> Int {
        if let known = places[host] { return known }
        if clocks.count >= Self.maxHosts, host != "" {
            // A host that has long said nothing gives its place up.
            let oldest = clocks.indices.min { clocks[$0].lastRow < clocks[$1].lastRow }!
            guard row - clocks[oldest].lastRow > Self.keptRows else { return place(of: "") }
            places[clocks[oldest].name] = nil
            clocks[oldest] = Clock(name: host, newest: .min, first: .min, lastRow: row, lastArrival: .min)
            places[host] = oldest
            return oldest
        }
        clocks.append(Clock(name: host, newest: .min, first: .min, lastRow: row, lastArrival: .min))
        places[host] = clocks.count - 1
        return clocks.count - 1
    }

    /// The time that the row that comes next from a host is measured against, before the allowed lateness; `.min` when there is
    /// none.
    @inline(__always) func newest(_ place: Int) -> Int64 { Swift.max(reached, clocks[place].newest) }

    struct Limits {
        var skew: Int64
        var idle: Int64
        /// How far a clock must have gone on before the partition moves at all, so that a slower host is known by then. Below
        /// zero where there are no hosts.
        var grace: Int64
    }

    /// Takes in the time of one row; whether it counts, which that of a clock far ahead does not.
    @inline(__always) mutating func observe(_ time: Int64, arrival: Int64, _ place: Int, _ limits: Limits) -> Bool {
        row += 1
        guard time <= arrival || time &- arrival <= limits.skew else { return false }
        if time == arrival {
            if hasStamp { return true }
        } else if !hasStamp {
            // What arrivals have said before is not a clock.
            hasStamp = true
            for index in clocks.indices { (clocks[index].newest, clocks[index].first) = (.min, .min) }
        }
        clocks[place].lastRow = row
        clocks[place].lastArrival = arrival
        if clocks[place].first == .min { clocks[place].first = time }
        guard time > clocks[place].newest else {
            if clocks.count > 1, arrival != asked || row > expiry { ask(arrival, limits) }
            return true
        }
        let wasLeast = clocks[place].newest <= reached
        clocks[place].newest = time
        if clocks.count == 1 {
            // Fast path: nearly every file is of one machine. Until it has gone on by the allowed lateness others may show that
            // their clocks are slower.
            if time &- clocks[0].first > limits.grace || reached > .min { reached = Swift.max(reached, time) }
        } else if wasLeast || reached == .min || arrival != asked || row > expiry {
            ask(arrival, limits)
        }
        return true
    }

    /// Moves on to the least clock of the hosts that are waited for. Asked more often, it gives the same: a row is late or not
    /// whatever batches the rows before it came in.
    private mutating func ask(_ arrival: Int64, _ limits: Limits) {
        asked = arrival
        let isLive = clocks.contains {
            $0.newest > .min && isActive($0, arrival, limits) && $0.lastArrival &- $0.newest <= limits.skew
        }
        var least = Int64.max, hasGoneOn = reached > .min
        expiry = .max
        defer {
            for clock in clocks where clock.newest > .min && clock.newest <= reached && isActive(clock, arrival, limits) {
                expiry = Swift.min(expiry, clock.lastRow + Self.keptRows)
            }
        }
        for clock in clocks where clock.newest > .min && isActive(clock, arrival, limits) {
            if isLive, clock.lastArrival &- clock.newest > Self.maxLag { continue }
            least = Swift.min(least, clock.newest)
            if clock.newest &- clock.first > limits.grace { hasGoneOn = true }
        }
        if hasGoneOn, least < .max { reached = Swift.max(reached, least) }
    }

    private func isActive(_ clock: Clock, _ arrival: Int64, _ limits: Limits) -> Bool {
        row - clock.lastRow <= Self.keptRows && (clock.lastArrival == .min || arrival &- clock.lastArrival < limits.idle)
    }

    func encode(to writer: inout StateWriter) {
        writer.write(row)
        writer.write(reached)
        writer.write(hasStamp)
        writer.write(asked)
        writer.write(clocks.count)
        for clock in clocks {
            writer.write(clock.name)
            for number in [clock.newest, clock.first, clock.lastRow, clock.lastArrival] { writer.write(number) }
        }
    }

    init(from reader: inout StateReader) throws {
        row = try reader.int64()
        reached = try reader.int64()
        hasStamp = try reader.bool()
        asked = try reader.int64()
        for index in 0..<(try reader.count()) {
            let name = try reader.string()
            clocks.append(
                Clock(
                    name: name, newest: try reader.int64(), first: try reader.int64(), lastRow: try reader.int64(),
                    lastArrival: try reader.int64()))
            places[name] = index
        }
    }
}
