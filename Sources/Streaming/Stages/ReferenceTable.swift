import Columns
import Foundation
import Logging
import Telemetry

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
    private let stale: Gauge
    private let logger: Logger
    private var entries: [[String]: [String?]]
    /// What was looked at last; nil when there was no file.
    private var version: Version?
    /// Whether the entries are of an older file than the one that is there.
    private var isStale = false {
        didSet { if isStale != oldValue { stale.increment(by: isStale ? 1 : -1) } }
    }

    /// - Parameter stale: how many tables of the pipeline use an older file than the one that is there.
    /// - Throws: ``ReferenceError`` when the file is not there or cannot be understood: rows that are looked up in half a table would be wrong without anyone knowing.
    init(_ lookup: ReferenceLookup, stale: Gauge, logger: Logger) throws(ReferenceError) {
        self.lookup = lookup
        self.stale = stale
        self.logger = logger
        version = try Self.version(lookup.file)
        entries = try Self.load(lookup)
    }

    /// Reads the file again if it is another one than the last time. A new version that cannot be read is logged once, and the old entries stay until
    /// there is one that can.
    func refresh() {
        do throws(ReferenceError) {
            let found = try Self.version(lookup.file)
            guard found != version else { return }
            version = found
            entries = try Self.load(lookup)
            isStale = false
            logger.info("a reference file is read again", metadata: ["file": "\(lookup.file)", "entries": "\(entries.count)"])
        } catch {
            if case .cannotFind = error {
                guard version != nil else { return }
                version = nil
            }
            isStale = true
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
        guard stat(path, &status) == 0 else { throw .cannotFind(path, reason: String(cString: strerror(errno))) }
        guard status.st_size <= maxBytes else {
            throw .cannotRead(path, reason: "it is larger than 256 MiB; a stream of that size is an input, to be joined with")
        }
        return Version(
            size: Int64(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
            inode: UInt64(status.st_ino))
    }

    /// An entry of the file, and where it stands.
    private typealias Entry = (place: String, values: [String: String])

    private static func load(_ lookup: ReferenceLookup) throws(ReferenceError) -> [[String]: [String?]] {
        guard let data = FileManager.default.contents(atPath: lookup.file) else {
            throw .cannotRead(lookup.file, reason: "it may not be read")
        }
        var entries: [[String]: [String?]] = [:]
        for entry in lookup.file.hasSuffix(".csv") ? try csv(data, lookup.file) : try json(data, lookup.file) {
            var key: [String] = []
            for name in lookup.on {
                guard let value = entry.values[name] else {
                    throw .cannotRead(entry.place, reason: "the entry has no '\(name)', by which rows are looked up")
                }
                key.append(value)
            }
            if entries[key] == nil { entries[key] = lookup.columns.map { entry.values[$0] } }
        }
        return entries
    }

    private static func json(_ data: Data, _ path: String) throws(ReferenceError) -> [Entry] {
        let decoder = JSONDecoder()
        if data.first(where: { $0 > 32 }) == UInt8(ascii: "[") {
            do {
                return try decoder.decode([Record].self, from: data).enumerated().map {
                    ("\(path): entry \($0.offset + 1)", $0.element.values)
                }
            } catch DecodingError.typeMismatch(_, let context) {
                let entry = context.codingPath.first?.intValue.map { ": entry \($0 + 1)" } ?? ""
                throw .cannotRead(path + entry, reason: "it is no JSON object")
            } catch {
                throw .cannotRead(path, reason: "it begins as a JSON array and is none: \(reason(error))")
            }
        }
        var entries: [Entry] = []
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.contains(where: { $0 > 32 }) {
            guard let record = try? decoder.decode(Record.self, from: Data(line)) else {
                // The last line has no end yet: it is being written, and the file will be another one when it is whole.
                if index == lines.count - 1, index > 0 { break }
                throw .cannotRead(
                    "\(path):\(index + 1)", reason: "it is no JSON object; write an object a line, or a JSON array of objects")
            }
            entries.append(("\(path):\(index + 1)", record.values))
        }
        return entries
    }

    /// Where a JSON text ends being one, as Foundation says it.
    private static func reason(_ error: any Error) -> String {
        guard case DecodingError.dataCorrupted(let context) = error else { return "\(error)" }
        let detail = (context.underlyingError as? NSError)?.userInfo[NSDebugDescriptionErrorKey] as? String
        return detail ?? context.debugDescription
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

    private static func csv(_ data: Data, _ path: String) throws(ReferenceError) -> [Entry] {
        var rows: [(line: Int, cells: [String])] = []
        var cells: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false, wasQuoted = false
        var line = 1, firstLine = 1
        func endCell() {
            cells.append(String(decoding: cell, as: UTF8.self))
            cell = []
            wasQuoted = false
        }
        func endRow() {
            endCell()
            if cells != [""] { rows.append((firstLine, cells)) }
            cells = []
        }
        var bytes = Array(data)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\n") { line += 1 }
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    cell.append(byte)
                } else if index + 1 < bytes.endIndex, bytes[index + 1] == byte {
                    cell.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if byte == UInt8(ascii: "\""), cell.isEmpty, !wasQuoted {
                (isQuoted, wasQuoted) = (true, true)
            } else if byte == UInt8(ascii: ",") {
                endCell()
            } else if byte == UInt8(ascii: "\n") {
                if cell.last == UInt8(ascii: "\r") { cell.removeLast() }
                endRow()
                firstLine = line
            } else {
                cell.append(byte)
            }
            index += 1
        }
        guard !isQuoted else { throw .cannotRead("\(path):\(firstLine)", reason: "a quoted cell does not end") }
        if !cell.isEmpty || !cells.isEmpty { endRow() }
        guard let heading = rows.first?.cells else { return [] }
        var entries: [Entry] = []
        for (line, cells) in rows.dropFirst() {
            guard cells.count <= heading.count else {
                throw .cannotRead("\(path):\(line)", reason: "it has \(cells.count) cells under \(heading.count) headings")
            }
            let values = Dictionary(zip(heading, cells).filter { !$0.1.isEmpty }) { first, _ in first }
            entries.append(("\(path):\(line)", values))
        }
        return entries
    }
}

/// A reference file that cannot be used, with the place in it where one is known.
public enum ReferenceError: Error, CustomStringConvertible {
    case cannotFind(String, reason: String)
    case cannotRead(String, reason: String)

    public var description: String {
        switch self {
        case .cannotFind(let path, let reason), .cannotRead(let path, let reason):
            "\(path): cannot be read as a reference table: \(reason)"
        }
    }
}
