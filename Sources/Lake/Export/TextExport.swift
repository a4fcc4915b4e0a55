import Columns
import Foundation

/// Text formats that a table can be written in beside or instead of Parquet.
public enum TextFormat: String, Sendable, Codable, CaseIterable {
    /// JSON Lines: one object a line, nulls left out.
    case jsonl
    /// RFC 4180 with a header line; null is the empty cell.
    case csv

    /// The line that comes first in a file, or nothing.
    public func header(_ schema: Schema) -> [UInt8] {
        switch self {
        case .jsonl: []
        case .csv: Array(schema.fields.map { Self.cell($0.name) }.joined(separator: ",").utf8) + [13, 10]
        }
    }

    /// The rows of `batch` as lines.
    public func lines(_ batch: Batch) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(batch.count * 128)
        let names = batch.schema.fields.map { JSONText.quote($0.name) + ":" }
        for row in 0..<batch.count {
            switch self {
            case .jsonl:
                var separator = UInt8(ascii: "{")
                for (index, column) in batch.columns.enumerated() where !column.isNull(at: row) {
                    bytes.append(separator)
                    separator = UInt8(ascii: ",")
                    bytes.append(contentsOf: names[index].utf8)
                    JSONText.append(column, at: row, as: batch.schema.fields[index].type, to: &bytes)
                }
                if separator == UInt8(ascii: "{") { bytes.append(separator) }
                bytes.append(UInt8(ascii: "}"))
            case .csv:
                for (index, column) in batch.columns.enumerated() {
                    if index > 0 { bytes.append(UInt8(ascii: ",")) }
                    bytes.append(
                        contentsOf: Self.cell(column.value(at: row, as: batch.schema.fields[index].type).description).utf8)
                }
                bytes.append(13)
            }
            bytes.append(10)
        }
        return bytes
    }

    private static func cell(_ text: String) -> String { OutsideText(text).csvField }
}

/// A growing text file of a table's rows. What a crash leaves behind the last checkpoint is cut off at the next start.
public final class ExportFile {
    /// Of the file.
    public let path: String
    private let format: TextFormat
    private let schema: Schema
    private let descriptor: Int32
    /// Bytes of the file with what was appended.
    public private(set) var size: Int64

    /// Opens `path` for appending, cut to `committedSize`, the size that the last checkpoint knows; 0 starts anew with the
    /// header.
    public init(path: String, format: TextFormat, schema: Schema, committedSize: Int64) throws(LakeError) {
        self.path = path
        self.format = format
        self.schema = schema
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        } catch {
            throw .cannotWrite(path: path, reason: "its folder cannot be made")
        }
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
        guard ftruncate(descriptor, off_t(committedSize)) == 0, lseek(descriptor, 0, SEEK_END) == off_t(committedSize) else {
            throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
        }
        size = committedSize
        if size == 0 { try write(format.header(schema)) }
    }

    deinit {
        close(descriptor)
    }

    /// Appends rows; they may be lost in a crash until ``sync()``.
    public func append(_ batch: Batch) throws(LakeError) {
        try write(format.lines(batch))
    }

    /// Makes what was appended durable.
    public func sync() throws(LakeError) {
        guard fsync(descriptor) == 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
    }

    private func write(_ bytes: [UInt8]) throws(LakeError) {
        let failure = bytes.span.writeAll(to: descriptor)
        guard failure == 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(failure))) }
        size += Int64(bytes.count)
    }
}
