import Columns
import Foundation

/// Reads look-up files: one JSON object per line, a JSON array of objects, or CSV with headings.
enum ReferenceFile {
    /// An entry or a damaged line, and its place: `users.jsonl:7`.
    struct Entry {
        enum Content {
            case values([String: String])
            case damaged(String)
        }

        let place: String
        let content: Content
    }

    /// - Throws: ``ReferenceError`` when the file as a whole is none of these.
    static func read(_ path: String) throws(ReferenceError) -> [Entry] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .cannotRead(path, reason: "it may not be read")
        }
        return path.hasSuffix(".csv") ? try csv(data, path) : try json(data, path)
    }

    private static func json(_ data: Data, _ path: String) throws(ReferenceError) -> [Entry] {
        let decoder = JSONDecoder()
        if data.first(where: { $0 > 32 }) == UInt8(ascii: "[") {
            do {
                return try decoder.decode([Record].self, from: data).enumerated().map {
                    Entry(place: "\(path): entry \($0.offset + 1)", content: .values($0.element.values))
                }
            } catch DecodingError.typeMismatch(_, let context) {
                let entry = context.codingPath.first?.intValue.map { ": entry \($0 + 1)" } ?? ""
                throw .cannotRead(path + entry, reason: "it is not a JSON object")
            } catch {
                throw .cannotRead(path, reason: "it begins as a JSON array and is none: \(reason(error))")
            }
        }
        var entries: [Entry] = []
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.contains(where: { $0 > 32 }) {
            let place = "\(path):\(index + 1)"
            if let record = try? decoder.decode(Record.self, from: Data(line)) {
                entries.append(Entry(place: place, content: .values(record.values)))
            } else if index < lines.count - 1 || index == 0 {
                entries.append(
                    Entry(
                        place: place,
                        content: .damaged("it is not a JSON object; write an object a line, or a JSON array of objects")))
            }
            // A last line without its end is being written: the file will be another one when it is whole.
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
        var table = CSVCells()
        for byte in data.starts(with: [0xEF, 0xBB, 0xBF]) ? data.dropFirst(3) : data[...] { table.read(byte) }
        guard table.finish() else {
            throw .cannotRead("\(path):\(table.firstLine)", reason: "a quoted cell does not end")
        }
        guard let heading = table.rows.first?.cells else { return [] }
        return table.rows.dropFirst().map { line, cells in
            let values = Dictionary(zip(heading, cells).filter { !$0.1.isEmpty }) { first, _ in first }
            let isSound = cells.count <= heading.count
            return Entry(
                place: "\(path):\(line)",
                content: isSound ? .values(values) : .damaged("it has \(cells.count) cells under \(heading.count) headings"))
        }
    }
}

/// The rows of a CSV text, byte by byte.
///
/// Source: RFC 4180; a quote that is not at the start of a cell is a character like any other.
private struct CSVCells {
    private(set) var rows: [(line: Int, cells: [String])] = []
    /// The line on which the row at hand begins.
    private(set) var firstLine = 1
    private var line = 1
    private var cells: [String] = []
    private var cell: [UInt8] = []
    private var isQuoted = false
    /// Whether the cell at hand began with a quote.
    private var wasQuoted = false
    /// Whether the last byte was a quote within quotes, which ends them unless another quote follows.
    private var isAtQuote = false

    mutating func read(_ byte: UInt8) {
        if byte == UInt8(ascii: "\n") { line += 1 }
        if isAtQuote {
            isAtQuote = false
            if byte == UInt8(ascii: "\"") { return cell.append(byte) }
            isQuoted = false
        }
        if isQuoted {
            if byte == UInt8(ascii: "\"") { isAtQuote = true } else { cell.append(byte) }
            return
        }
        switch byte {
        case UInt8(ascii: "\"") where cell.isEmpty && !wasQuoted: (isQuoted, wasQuoted) = (true, true)
        case UInt8(ascii: ","): endCell()
        case UInt8(ascii: "\n"):
            if cell.last == UInt8(ascii: "\r") { cell.removeLast() }
            endRow()
            firstLine = line
        default: cell.append(byte)
        }
    }

    /// Ends the last row; false when a quoted cell is open.
    mutating func finish() -> Bool {
        guard !isQuoted || isAtQuote else { return false }
        if !cell.isEmpty || !cells.isEmpty { endRow() }
        return true
    }

    private mutating func endCell() {
        cells.append(String(decoding: cell, as: UTF8.self))
        cell = []
        wasQuoted = false
    }

    private mutating func endRow() {
        endCell()
        if cells != [""] { rows.append((firstLine, cells)) }
        cells = []
    }
}

/// A reference file that cannot be used, with the place in it where one is known.
enum ReferenceError: Error, CustomStringConvertible {
    case cannotFind(String, reason: String)
    case cannotRead(String, reason: String)

    var description: String {
        switch self {
        case .cannotFind(let path, let reason), .cannotRead(let path, let reason):
            "\(path): cannot be read as a reference table: \(reason)"
        }
    }
}
