import Incidents
import Columns
import Detection
import Lake

/// Consecutive lines of a file around the evidence of an incident; some of them are the evidence.
public struct EvidenceContext: Sendable {
    struct Line: Sendable {
        let offset: Int64
        let text: String
        let isEvidence: Bool
    }

    let file: String
    let lines: [Line]

    /// The maximum number of lines before and after each line of evidence: more than fit on any page.
    public static let maxLines = 100

    /// How long before an incident was opened its lines may have arrived, beyond the time that the detection took.
    private static let margin = Duration.seconds(3600)
    /// A window of a day contains lines that are a day old when it closes; lines older than two days were read late.
    private static let longestWait = Duration.seconds(2 * 86_400)

    /// The lines before and after each line of evidence, as bronze has them; excerpts that touch are joined. A line of evidence
    /// that is not in bronze is an excerpt of its own.
    ///
    /// Neighbours are found by the order of arrival: offsets start again at 0 when a file is rotated.
    ///
    /// - Parameters:
    ///   - incidents: the incident and its children, whose evidence it is.
    ///   - count: the number of lines before, and the number after.
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
            // A long line is cut, possibly inside of a character.
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
            // Lines that are not in the lake, or not yet, are excerpts of their own.
            found += missing.sorted { $0.key < $1.key }.map {
                EvidenceContext(file: file.string, lines: [Line(offset: $0.key, text: $0.value, isEvidence: true)])
            }
        }
        return found
    }

    /// The files of which a table has lines from that time. Reading only their names is cheap.
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

    /// Collects excerpts from the lines of one file, in their order.
    private struct Stretches {
        let wanted: [Int64: String]
        let count: Int
        var done: [[Line]] = []
        /// The last lines that are in no excerpt yet. Most never will be, so no text is made of them.
        private var before: [(offset: Int64, lines: Column, row: Int)] = []
        private var current: [Line] = []
        /// How many more lines belong to the current excerpt.
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

        /// Whether everything that is wanted was found.
        private var isOver: Bool { found.count == wanted.count && left == 0 }

        private mutating func add(_ offset: Int64, _ lines: Column, _ row: Int) {
            // The same offset in an earlier file of that name has another line.
            if let start = wanted[offset], let text = lines.string(at: row), OutsideText(text).starts(with: start) {
                // The lines between two near lines of evidence belong to their excerpt.
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
