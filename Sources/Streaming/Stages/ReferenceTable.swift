import Columns
import Foundation
import Ingest
import Logging
import Telemetry

/// The entries of a look-up file, which is read again when it changes.
///
/// A damaged line is left out, counted and logged, as a damaged line of an input goes to quarantine: nobody repairs files that
/// grow line by
/// line. A file that cannot be parsed, or that has more damaged lines than good ones, is refused at the start; later the entries
/// that were
/// read before stay in use.
///
/// The entries are not part of a checkpoint: a pipeline that runs again over old rows uses the file as it is then.
final class ReferenceTable {
    /// More than this is a stream, not a reference.
    private static let maxBytes = 256 << 20

    private struct Contents {
        var entries: [[OutsideText]: [String?]] = [:]
        var damagedLines = 0
        var firstDamage: ReferenceError?
    }

    private let lookup: ReferenceLookup
    private let gauges: ReferenceGauges
    private let logger: Logger
    private var contents = Contents() {
        didSet { gauges.damagedLines.increment(by: Double(contents.damagedLines - oldValue.damagedLines)) }
    }
    /// The version that was read last; nil when there was no file.
    private var version: FileVersion?
    /// Whether the file has changed since the entries were read, and could not be read again.
    private var isStale = false {
        didSet { if isStale != oldValue { gauges.stale.increment(by: isStale ? 1 : -1) } }
    }

    /// - Parameter gauges: those of the pipeline, which the table adds to.
    /// - Throws: ``ReferenceError`` when the file is missing or is not a table.
    init(_ lookup: ReferenceLookup, gauges: ReferenceGauges, logger: Logger) throws(ReferenceError) {
        self.lookup = lookup
        self.gauges = gauges
        self.logger = logger
        try load(Self.version(lookup.file))
    }

    /// Reads the file again if it has changed. A new version that cannot be used is logged once, and the old entries stay until
    /// one can.
    func refresh() {
        do throws(ReferenceError) {
            let found = try Self.version(lookup.file)
            guard found != version else { return }
            try load(found)
            isStale = false
            logger.info(
                "a reference file is read again", metadata: ["file": "\(lookup.file)", "entries": "\(contents.entries.count)"])
        } catch {
            if case .cannotFind = error {
                guard version != nil else { return }
                version = nil
            }
            isStale = true
            logger.error("a reference file cannot be read; what was read before stays in use", metadata: ["error": "\(error)"])
        }
    }

    private func load(_ found: FileVersion) throws(ReferenceError) {
        version = found
        let known = contents.damagedLines
        let new = try Self.contents(lookup)
        contents = new
        // A file that grows keeps its damaged lines, and is read again with each that comes.
        guard let damage = new.firstDamage, new.damagedLines != known else { return }
        logger.warning(
            "lines of a reference file are left out", metadata: ["lines": "\(new.damagedLines)", "first": "\(damage)"])
    }

    private static func contents(_ lookup: ReferenceLookup) throws(ReferenceError) -> Contents {
        var contents = Contents()
        var wholeLines = 0
        for entry in try ReferenceFile.read(lookup.file) {
            let damage: String
            switch entry.content {
            case .damaged(let reason): damage = reason
            case .values(let values):
                let key = lookup.on.compactMap { values[$0].map { OutsideText($0) } }
                if key.count == lookup.on.count {
                    wholeLines += 1
                    if contents.entries[key] == nil { contents.entries[key] = lookup.columns.map { values[$0] } }
                    continue
                }
                let missing = lookup.on.first { values[$0] == nil } ?? ""
                damage = "the entry has no '\(missing)', by which rows are looked up"
            }
            contents.damagedLines += 1
            contents.firstDamage = contents.firstDamage ?? .cannotRead(entry.place, reason: damage)
        }
        if let damage = contents.firstDamage, contents.damagedLines > wholeLines { throw damage }
        return contents
    }

    /// For each row the values of the columns that are looked up, or nil where there is no entry.
    func find(_ batch: Batch) -> [[String?]?] {
        let keys = lookup.on.map { (column: batch[$0]!, type: batch.schema[$0]!.type) }
        func entry(at row: Int) -> [String?]? {
            if keys.contains(where: { $0.column.isNull(at: row) }) { return nil }
            return contents.entries[keys.map { OutsideText($0.column.value(at: row, as: $0.type).description) }]
        }
        // One look for each key of the batch, not for each row.
        let groups = RowGroups(keys.map(\.column), count: batch.count)
        let found = groups.representatives.map { entry(at: Int($0)) }
        // An empty text is in no group, and may be a key.
        return groups.numbers.enumerated().map { row, group in group >= 0 ? found[Int(group)] : entry(at: row) }
    }

    private static func version(_ path: String) throws(ReferenceError) -> FileVersion {
        guard let version = FileVersion(path: path) else { throw .cannotFind(path, reason: String(cString: strerror(errno))) }
        guard version.size <= maxBytes else {
            throw .cannotRead(path, reason: "it is larger than 256 MiB; a stream of that size is an input, to be joined with")
        }
        return version
    }
}
