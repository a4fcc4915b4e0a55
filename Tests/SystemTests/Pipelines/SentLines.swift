import Columns
import Lake
import TestSupport
import Testing

/// Waits until silver has each of `count` lines `Failed password for root from 192.0.2.N port P ssh2` once, as what it is: N goes
/// from 0 to 249 again and again, and no two lines have one port.
///
/// - Parameters:
///   - lines: how many lines of the source they are, where those are not as many.
func expectFailedPasswords(
    _ count: Int, lines: Int? = nil, in folder: String, of pipeline: String = "ssh"
) async throws {
    let lake = Lake(root: folder + "/data/lake")
    var counts = RowCounts(lake, ["bronze.\(pipeline)": lines ?? count, "silver.\(pipeline)": count])
    #expect(await eventually(within: 120) { counts.areReached() }, "\(counts.description)")
    var ports: Set<String> = [], facts: Set<String> = []
    try lake.table("silver.\(pipeline)").scan(columns: ["port", "event", "source"]) { batch in
        for row in 0..<batch.count {
            let values = batch.row(row).map(\.description)
            ports.insert(values[0])
            facts.insert("\(values[1]) \(values[2])")
        }
        return true
    }
    #expect(ports.count == count && facts.count == 250 && facts.contains("failed_password 192.0.2.7"))
}
