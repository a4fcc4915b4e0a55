import Columns
import Foundation

/// How a file that rows are looked up in is read: a JSON object a line, a JSON array of objects, or CSV with headings.
enum ReferenceFile {
    /// An entry, or a line that is none, and its place: `users.jsonl:7`.
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
                throw .cannotRead(path + entry, reason: "it is no JSON object")
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
                        content: .damaged("it is no JSON object; write an object a line, or a JSON array of objects")))
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
            let values = Dictionary(zip(heading, cells).filter { !$0.1.isEmpty }) { first, _ in first }
            let isWhole = cells.count <= heading.count
            entries.append(
                Entry(
                    place: "\(path):\(line)",
                    content: isWhole ? .values(values) : .damaged("it has \(cells.count) cells under \(heading.count) headings")))
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
