import Columns
import Foundation

/// What a table can be exported as.
public enum ExportFormat: String, Sendable, CaseIterable {
    case jsonl, csv, parquet
}

/// Writes the rows of a table, or some of them, as one stream; in the memory of one row group.
public struct TableExport: Sendable {
    /// Whose rows are exported.
    public let table: DeltaTable
    /// The format of the target.
    public let format: ExportFormat
    /// In this order; nil for all.
    public var columns: [String]?
    /// Rows of which all hold.
    public var matchers: [Matcher] = []
    /// Rows whose time is in the range.
    public var times: (column: String, range: ClosedRange<Timestamp>)?

    /// Makes the lines of a text format otherwise, from all columns; nil writes rows as they are.
    public var rendering: (@Sendable (Batch) throws -> [UInt8])?

    /// An export of all rows and columns; set the other properties for less.
    public init(_ table: DeltaTable, as format: ExportFormat) {
        self.table = table
        self.format = format
    }

    /// Writes all rows to `target`, which is finished when this returns.
    ///
    /// - Parameter progress: bytes of the table's files that are done, of all; called between row groups.
    /// - Returns: how many rows were written.
    /// - Throws: ``LakeError/schemaMismatch(table:reason:)`` when a column is asked for that the table does not have.
    public func run(to target: ExportTarget, progress: (_ done: Int64, _ total: Int64) -> Void = { _, _ in }) throws -> Int {
        try run(to: target as any ObjectWriter, progress: progress)
    }

    func run(to target: any ObjectWriter, progress: (_ done: Int64, _ total: Int64) -> Void = { _, _ in }) throws -> Int {
        let schema = table.schema
        for name in (columns ?? []) + matchers.map(\.name) + (times.map { [$0.column] } ?? []) where schema[name] == nil {
            throw LakeError.schemaMismatch(
                table: table.name,
                reason: "it has no column '\(name)'; it has \(schema.fields.map(\.name).joined(separator: ", "))")
        }
        if let times, schema[times.column]?.type != .timestamp {
            throw LakeError.schemaMismatch(table: table.name, reason: "its column '\(times.column)' holds no times")
        }
        let shown = columns.map { schema.selecting($0) } ?? schema
        // What rows are chosen by is read too, and left out again.
        let read = Set(shown.fields.map(\.name) + matchers.map(\.name) + (times.map { [$0.column] } ?? []))
        // What other engines wrote need not keep to "never null": in the export every column may be.
        let nullable = Schema(shown.fields.map { Field($0.name, $0.type, isNullable: true) })
        let parquet = format == .parquet ? try ParquetWriter(nullable, to: target) : nil
        let text = TextFormat(rawValue: format.rawValue)
        if let text, rendering == nil { try target.write(text.header(nullable).span) }
        var count = 0
        try table.scan(
            columns: schema.fields.map(\.name).filter(read.contains), times: times, matching: matchers, progress: progress
        ) { batch in
            let chosen = rows(of: batch)
            // Slices keep the text of a large row group from being rendered at once.
            for start in stride(from: 0, to: chosen.count, by: 8192) {
                let part = chosen.slice(start..<min(start + 8192, chosen.count))
                let rows = Batch(schema: nullable, columns: nullable.fields.map { part[$0.name]! })
                try write(rows, as: text, parquet, to: target)
            }
            count += chosen.count
            return true
        }
        if let parquet { _ = try parquet.finish() } else { try target.finish() }
        return count
    }

    private func write(_ rows: Batch, as text: TextFormat?, _ parquet: ParquetWriter?, to target: any ObjectWriter) throws {
        guard let text else {
            try parquet!.append(rows)
            return
        }
        let bytes = try rendering.map { render in try render(rows) } ?? text.lines(rows)
        try target.write(bytes.span)
    }

    private func rows(of batch: Batch) -> Batch {
        guard !matchers.isEmpty || times != nil else { return batch }
        let isMatched = matchers.rows(in: batch)
        let time = times.map { batch[$0.column]! }
        var chosen: [Int] = []
        for row in 0..<batch.count where isMatched[row] {
            if let times, let time {
                guard let at = time.integer(at: row), times.range.contains(Timestamp(microseconds: at)) else { continue }
            }
            chosen.append(row)
        }
        return chosen.count == batch.count ? batch : batch.gather(chosen)
    }
}

/// Where an export goes: standard output, or a file that appears under its name when it is whole.
public final class ExportTarget: ObjectWriter {
    private var descriptor: Int32
    private let path: String?
    private let temporary: String?
    /// Bytes written so far.
    public private(set) var offset = 0
    private let shown: ((String) -> String)?

    /// - Parameters:
    ///   - path: nil for standard output.
    ///   - shown: makes text fit for its reader, such as a terminal; nil writes what it is.
    public init(path: String?, shown: ((String) -> String)? = nil) throws(LakeError) {
        self.path = path
        self.shown = shown
        guard let path else {
            descriptor = STDOUT_FILENO
            temporary = nil
            return
        }
        let temporary = path + ".tmp-" + RandomName.uuid()
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        self.temporary = temporary
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
    }

    deinit { discard() }

    /// Appends bytes; they are on disk after ``finish()``.
    public func write(_ bytes: Span<UInt8>) throws(LakeError) {
        let failure: Int32
        if let shown {
            let text = Array(shown(bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }).utf8)
            failure = text.span.writeAll(to: descriptor)
        } else {
            failure = bytes.writeAll(to: descriptor)
        }
        if failure == EPIPE, path == nil { throw .readerGone }
        if failure != 0 { throw .cannotWrite(path: path ?? "standard output", reason: String(cString: strerror(failure))) }
        offset += bytes.count
    }

    /// Writes what is buffered, and gives the file its name.
    public func finish() throws(LakeError) {
        guard let path, let temporary, descriptor >= 0 else { return }
        guard fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, path) == 0 else {
            throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
        }
        descriptor = -1
    }

    /// Drops what was written.
    public func discard() {
        guard let temporary, descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        unlink(temporary)
    }
}
