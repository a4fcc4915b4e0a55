import Incidents
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
    /// - Parameters:
    ///   - incidents: the incident and its parts, whose evidence it is.
    ///   - count: how many before and how many after.
    /// - Throws: `LakeError` when a table cannot be read.
    static func around(_ evidence: [Evidence], of incidents: [Incident], count: Int, in lake: Lake) throws -> [EvidenceContext] {
        let begins = incidents.map { min($0.openedAt, max($0.startsAt, $0.openedAt - longestWait)) - margin }
        let ends = incidents.map { $0.resolvedAt.map { $0 + margin } ?? Timestamp(microseconds: .max) }
        guard let begin = begins.min(), let end = ends.max(), !evidence.isEmpty else { return [] }
        let arrivals = begin...max(begin, end)
        let tables = try lake.tables().filter { $0.hasPrefix("bronze.") }.map { name in
            let table = try lake.table(name)
            return (table: table, files: try files(of: table, arrivals))
        }
        var found: [EvidenceContext] = []
        for file in evidence.map(\.file).distinctTexts.sorted() {
            // A long line is cut, and may be so within a character.
            let wanted = Dictionary(
                evidence.filter { OutsideText($0.file) == file }.map {
                    ($0.offset, String($0.line.unicodeScalars.prefix { $0 != "\u{FFFD}" }))
                }
            ) { first, _ in first }
            var missing = wanted
            for (table, files) in tables where files.contains(file) {
                var stretches = Stretches(wanted: wanted, count: count)
                try stretches.read(table, file: file.string, arrivals: arrivals)
                found += stretches.done.map { EvidenceContext(file: file.string, lines: $0) }
                for offset in stretches.found { missing[offset] = nil }
            }
            // What is not in the lake, or not yet, stands alone.
            found += missing.sorted { $0.key < $1.key }.map {
                EvidenceContext(file: file.string, lines: [Line(offset: $0.key, text: $0.value, isEvidence: true)])
            }
        }
        return found
    }

    /// Of which files a table has lines of that time: their names are little to read, the lines are not.
    private static func files(of table: DeltaTable, _ arrivals: ClosedRange<Timestamp>) throws -> Set<OutsideText> {
        guard table.schema["file"]?.type == .text, table.schema["line"]?.type == .text else { return [] }
        var files: Set<OutsideText> = []
        try table.scan(columns: ["file"], times: ("arrival_time", arrivals)) { batch in
            try Task.checkCancellation()
            guard let names = batch["file"] else { return false }
            files.formUnion(
                RowGroups([names], count: batch.count).representatives.compactMap {
                    names.string(at: Int($0)).map { OutsideText($0) }
                })
            return true
        }
        return files
    }

    /// Goes through the lines of one file in their order.
    private struct Stretches {
        let wanted: [Int64: String]
        let count: Int
        var done: [[Line]] = []
        /// Where the last lines are that are in no stretch yet: most never will be, and are never made a text.
        private var before: [(offset: Int64, lines: Column, row: Int)] = []
        private var current: [Line] = []
        /// How many lines still belong to the current stretch.
        private var left = 0
        private(set) var found: Set<Int64> = []

        init(wanted: [Int64: String], count: Int) {
            self.wanted = wanted
            self.count = count
        }

        mutating func read(_ table: DeltaTable, file: String, arrivals: ClosedRange<Timestamp>) throws {
            let matchers = [try Matcher("file", .equal, file)]
            try table.scan(columns: ["file", "offset", "line"], times: ("arrival_time", arrivals), matching: matchers) { batch in
                try Task.checkCancellation()
                let isOfFile = matchers.rows(in: batch)
                guard let offsets = batch["offset"], let lines = batch["line"] else { return false }
                for row in 0..<batch.count where isOfFile[row] {
                    guard let offset = offsets.integer(at: row) else { continue }
                    add(offset, lines, row)
                }
                return !isOver
            }
            if !current.isEmpty { done.append(current) }
        }

        /// Whether nothing can follow that is wanted.
        private var isOver: Bool { found.count == wanted.count && left == 0 }

        private mutating func add(_ offset: Int64, _ lines: Column, _ row: Int) {
            // The same place of an earlier file of that name has another line.
            if let start = wanted[offset], let text = lines.string(at: row), OutsideText(text).starts(with: start) {
                // What stands between two lines of evidence that are near is in one stretch with them.
                current += before.map { Line(offset: $0.offset, text: $0.lines.string(at: $0.row) ?? "", isEvidence: false) }
                current.append(Line(offset: offset, text: text, isEvidence: true))
                (before, left) = ([], count)
                found.insert(offset)
            } else if left > 0 {
                current.append(Line(offset: offset, text: lines.string(at: row) ?? "", isEvidence: false))
                left -= 1
            } else {
                before.append((offset, lines, row))
                guard before.count > count else { return }
                if !current.isEmpty { done.append(current) }
                current = []
                before.removeFirst()
            }
        }
    }
}
