import Alerting
import Columns
import Detection
import Lake

/// What stood around the evidence of an incident in its files: a stretch of neighbouring lines, some of which are evidence.
public struct EvidenceContext: Sendable {
    public struct Line: Sendable {
        public let offset: Int64
        public let text: String
        public let isEvidence: Bool
    }

    public let file: String
    public let lines: [Line]

    /// More than fit on any page.
    public static let maxLines = 100

    /// How long before an incident was opened its lines may have arrived, beside the time that it took to see them.
    private static let margin = Duration.seconds(3600)
    /// A window of a day has lines that are a day old when it ends; what is older than two was not waited for, but read late.
    private static let longestWait = Duration.seconds(2 * 86_400)

    /// The lines before and after each line of evidence, as bronze has them; stretches that meet are one. Evidence that bronze does not have stands alone.
    ///
    /// Neighbours are told by the order in which lines came: offsets begin anew when a file is rotated.
    ///
    /// - Parameter count: how many before and how many after.
    /// - Throws: `LakeError` when a table cannot be read.
    static func around(_ evidence: [Evidence], of incident: Incident, count: Int, in lake: Lake) throws -> [EvidenceContext] {
        let begin = min(incident.openedAt, max(incident.startsAt, incident.openedAt - longestWait)) - margin
        let arrivals = begin...max(begin, incident.resolvedAt.map { $0 + margin } ?? Timestamp(microseconds: .max))
        var found: [EvidenceContext] = []
        for file in Set(evidence.map(\.file)).sorted() {
            // A long line is cut, and may be so within a character.
            let wanted = Dictionary(
                evidence.filter { $0.file == file }.map { ($0.offset, $0.line.prefix { $0 != "\u{FFFD}" }) }
            ) { first, _ in first }
            var missing = wanted
            for table in try lake.tables() where table.hasPrefix("bronze.") {
                var stretches = Stretches(wanted: wanted, count: count)
                try stretches.read(lake.table(table), file: file, arrivals: arrivals)
                found += stretches.done.map { EvidenceContext(file: file, lines: $0) }
                for offset in stretches.found { missing[offset] = nil }
            }
            // What is not in the lake, or not yet, stands alone.
            found += missing.sorted { $0.key < $1.key }.map {
                EvidenceContext(file: file, lines: [Line(offset: $0.key, text: String($0.value), isEvidence: true)])
            }
        }
        return found
    }

    /// Goes through the lines of one file in their order.
    private struct Stretches {
        let wanted: [Int64: Substring]
        let count: Int
        var done: [[Line]] = []
        private var before: [Line] = []
        private var current: [Line] = []
        /// How many lines still belong to the current stretch.
        private var left = 0
        private(set) var found: Set<Int64> = []

        init(wanted: [Int64: Substring], count: Int) {
            self.wanted = wanted
            self.count = count
        }

        mutating func read(_ table: DeltaTable, file: String, arrivals: ClosedRange<Timestamp>) throws {
            guard table.schema["file"]?.type == .text, table.schema["line"]?.type == .text else { return }
            let matchers = [try Matcher("file", .equal, file)]
            try table.scan(columns: ["file", "offset", "line"], times: ("arrival_time", arrivals), matching: matchers) { batch in
                let isOfFile = matchers.rows(in: batch)
                guard let offsets = batch["offset"], let lines = batch["line"] else { return false }
                for row in 0..<batch.count where isOfFile[row] {
                    guard let offset = offsets.integer(at: row) else { continue }
                    let text = lines.string(at: row) ?? ""
                    // The same place of an earlier file of that name has another line.
                    add(Line(offset: offset, text: text, isEvidence: wanted[offset].map { text.hasPrefix($0) } ?? false))
                }
                return !isOver
            }
            if !current.isEmpty { done.append(current) }
        }

        /// Whether nothing can follow that is wanted.
        private var isOver: Bool { found.count == wanted.count && left == 0 }

        private mutating func add(_ line: Line) {
            if line.isEvidence {
                // What stands between two lines of evidence that are near is in one stretch with them.
                current += before + [line]
                (before, left) = ([], count)
                found.insert(line.offset)
            } else if left > 0 {
                current.append(line)
                left -= 1
            } else {
                before.append(line)
                guard before.count > count else { return }
                if !current.isEmpty { done.append(current) }
                current = []
                before.removeFirst()
            }
        }
    }
}
