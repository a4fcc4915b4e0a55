import Columns
import Foundation
import Logging

/// The entries of a file that rows are looked up in, read again when the file has changed.
///
/// It is no state: a pipeline that runs again over old rows uses the file as it is then.
final class ReferenceTable {
    /// More than this is a stream, not a reference.
    private static let maxBytes = 256 << 20

    private struct Version: Equatable {
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
        var inode: UInt64
    }

    private let lookup: ReferenceLookup
    private let logger: Logger
    private var entries: [[String]: [String?]] = [:]
    private var version: Version?

    /// - Throws: ``ReferenceError`` when the file is not there or cannot be understood.
    init(_ lookup: ReferenceLookup, logger: Logger) throws {
        self.lookup = lookup
        self.logger = logger
        version = try Self.version(lookup.file)
        entries = try load()
    }

    /// Reads the file again if it is another one than the last time. A new version that cannot be read is logged once, and the old entries stay.
    func refresh() {
        guard let found = try? Self.version(lookup.file), found != version else { return }
        version = found
        do {
            entries = try load()
            logger.info("a reference file is read again", metadata: ["file": "\(lookup.file)", "entries": "\(entries.count)"])
        } catch {
            logger.error("a reference file cannot be read; what was read before stays in use", metadata: ["error": "\(error)"])
        }
    }

    /// For each row the values of the columns that are looked up, or nil where there is no entry.
    func find(_ batch: Batch) -> [[String?]?] {
        let keys = lookup.on.map { (column: batch[$0]!, type: batch.schema[$0]!.type) }
        return (0..<batch.count).map { row in
            if keys.contains(where: { $0.column.isNull(at: row) }) { return nil }
            return entries[keys.map { $0.column.value(at: row, as: $0.type).description }]
        }
    }

    private static func version(_ path: String) throws(ReferenceError) -> Version {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .cannotRead(path, reason: String(cString: strerror(errno))) }
        guard status.st_size <= maxBytes else { throw .cannotRead(path, reason: "it is larger than 256 MiB") }
        return Version(
            size: Int64(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
            inode: UInt64(status.st_ino))
    }

    private func load() throws(ReferenceError) -> [[String]: [String?]] {
        guard let data = FileManager.default.contents(atPath: lookup.file) else {
            throw .cannotRead(lookup.file, reason: "it is not there, or may not be read")
        }
        let records = lookup.file.hasSuffix(".csv") ? try Self.csv(data, lookup.file) : try Self.json(data, lookup.file)
        var entries: [[String]: [String?]] = [:]
        for (number, record) in records.enumerated() {
            var key: [String] = []
            for name in lookup.on {
                guard let value = record[name] else { throw .noKey(lookup.file, entry: number + 1, column: name) }
                key.append(value)
            }
            if entries[key] == nil { entries[key] = lookup.columns.map { record[$0] } }
        }
        return entries
    }

    private static func json(_ data: Data, _ path: String) throws(ReferenceError) -> [[String: String]] {
        let decoder = JSONDecoder()
        if let records = try? decoder.decode([Record].self, from: data) { return records.map(\.values) }
        var records: [[String: String]] = []
        for (index, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() where line.contains(where: { $0 > 32 }) {
            guard let record = try? decoder.decode(Record.self, from: Data(line)) else {
                throw .cannotRead(
                    path, reason: "line \(index + 1) is no JSON object; write an object a line, or a JSON array of objects")
            }
            records.append(record.values)
        }
        return records
    }

    /// The members of a JSON object that are texts, numbers or bools, as text.
    private struct Record: Decodable {
        private struct Key: CodingKey {
            let stringValue: String
            let intValue: Int? = nil
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { return nil }
        }

        var values: [String: String] = [:]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            for key in container.allKeys {
                if let text = try? container.decode(String.self, forKey: key) {
                    values[key.stringValue] = text
                } else if let flag = try? container.decode(Bool.self, forKey: key) {
                    values[key.stringValue] = String(flag)
                } else if let number = try? container.decode(Double.self, forKey: key) {
                    values[key.stringValue] = Value.double(number).description
                }
            }
        }
    }

    private static func csv(_ data: Data, _ path: String) throws(ReferenceError) -> [[String: String]] {
        var rows: [[String]] = [[]]
        var cell: [UInt8] = []
        var isQuoted = false, wasQuoted = false
        func endCell() {
            rows[rows.count - 1].append(String(decoding: cell, as: UTF8.self))
            cell = []
            wasQuoted = false
        }
        var bytes = Array(data)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if isQuoted {
                if byte == UInt8(ascii: "\"") {
                    if index + 1 < bytes.endIndex, bytes[index + 1] == byte {
                        cell.append(byte)
                        index += 1
                    } else {
                        isQuoted = false
                    }
                } else {
                    cell.append(byte)
                }
            } else if byte == UInt8(ascii: "\""), cell.isEmpty, !wasQuoted {
                (isQuoted, wasQuoted) = (true, true)
            } else if byte == UInt8(ascii: ",") {
                endCell()
            } else if byte == UInt8(ascii: "\n") {
                if cell.last == UInt8(ascii: "\r") { cell.removeLast() }
                endCell()
                rows.append([])
            } else {
                cell.append(byte)
            }
            index += 1
        }
        guard !isQuoted else { throw .cannotRead(path, reason: "a quoted cell does not end") }
        if !cell.isEmpty || !rows[rows.count - 1].isEmpty { endCell() }
        rows.removeAll { $0.isEmpty || $0 == [""] }
        guard let heading = rows.first else { return [] }
        return rows.dropFirst().map { row in
            Dictionary(zip(heading, row).filter { !$0.1.isEmpty }) { first, _ in first }
        }
    }
}

/// A reference file that cannot be used.
public enum ReferenceError: Error, CustomStringConvertible {
    case cannotRead(String, reason: String)
    case noKey(String, entry: Int, column: String)

    public var description: String {
        switch self {
        case .cannotRead(let path, let reason): "\(path): cannot be read as a reference table: \(reason)"
        case .noKey(let path, let entry, let column): "\(path): entry \(entry) has no '\(column)', by which rows are looked up"
        }
    }
}
