import Columns
import Foundation

extension FormatOptions {
    /// The columns that some lines seem to have, for a first look (`obs parse`) and for tables that are read once; a pipeline
    /// declares them.
    ///
    /// A column is of the narrowest type that all its values fit: bool, int64, double, timestamp, else text. The first
    /// timestamp with a usual name (`ts`, `time`, …) is the event time. At most ``maxInferredColumns`` columns.
    ///
    /// - Returns: nil for a format that has columns of its own.
    public static func inferred(from lines: [[UInt8]], format: String, delimiter: UInt8 = UInt8(ascii: ",")) -> FormatOptions? {
        let texts = lines.prefix(200).map { String(decoding: $0, as: UTF8.self) }
        var found = InferredColumns()
        switch format {
        case JSONLines.name:
            for text in texts {
                guard let object = try? JSONDecoder().decode([String: JSONGuess].self, from: Data(text.utf8)) else { continue }
                for (key, value) in object.sorted(by: { $0.key < $1.key }) { value.collect(key, &found) }
            }
        case Logfmt.name:
            // By scalars: a mark that joins a quote must not hide it.
            let pairs = #/([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?/#.matchingSemantics(.unicodeScalar)
            for text in texts {
                for pair in text.matches(of: pairs) where text.utf8.contains(UInt8(ascii: "=")) {
                    let value = pair.2.map { $0.unicodeScalars } ?? "true".unicodeScalars[...]
                    found.add(String(pair.1), String(value.first == "\"" ? value.dropFirst().dropLast() : value))
                }
            }
        case CSV.name:
            let parts = records(texts).map { CSV.values(Array($0.utf8), delimiter: delimiter) }
            let names = (parts.first ?? []).map(trimmed)
            for name in names { found.add(name, "") }
            for record in parts.dropFirst() {
                for (name, value) in zip(names, record) { found.add(name, trimmed(value)) }
            }
        default: return nil
        }
        return FormatOptions(columns: found.columns)
    }

    private static func trimmed(_ value: String) -> String {
        let bytes = Array(value.utf8)
        let start = bytes.firstIndex { $0 > 0x20 } ?? bytes.endIndex
        let end = bytes.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? start
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// Lines put together where a quote is open at the end of one.
    private static func records(_ lines: [String]) -> [String] {
        var records: [String] = []
        var isOpen = false
        for line in lines {
            if isOpen { records[records.count - 1] += "\n" + line } else { records.append(line) }
            if !line.utf8.count(where: { $0 == UInt8(ascii: "\"") }).isMultiple(of: 2) { isOpen.toggle() }
        }
        return records
    }

    static let maxInferredColumns = 200
}

/// What is known of each path so far.
private struct InferredColumns {
    private static let timeNames = ["event_time", "ts", "time", "timestamp", "@timestamp", "datetime", "date"]
    private var order: [String] = []
    private var types: [String: ColumnType?] = [:]

    mutating func add(_ path: String, _ value: String) {
        if types[path] == nil {
            guard order.count < FormatOptions.maxInferredColumns else { return }
            order.append(path)
            types[path] = .some(nil)
        }
        guard !value.isEmpty else { return }
        let type = Self.type(of: value)
        let known: ColumnType? = types[path]!
        types[path] = .some(known == nil || known == type ? type : Self.widened(known!, type))
    }

    private static func type(of value: String) -> ColumnType {
        if value == "true" || value == "false" { return .bool }
        let bytes = Array(value.utf8)
        if Int64(decimal: bytes.span) != nil { return .int64 }
        if Double(ascii: bytes.span)?.isFinite == true { return .double }
        return Timestamp(iso8601: value) == nil ? .text : .timestamp
    }

    private static func widened(_ a: ColumnType, _ b: ColumnType) -> ColumnType {
        Set([a, b]) == [.int64, .double] ? .double : .text
    }

    var columns: [FormatOptions.DeclaredColumn] {
        let eventTime = Self.timeNames.first { types[$0] == .some(.some(.timestamp)) }
        var names: Set<String> = ["file", "offset", "event_time"]
        return order.map { path in
            let type: ColumnType = types[path]! ?? .text
            guard path != eventTime else { return .init("event_time", .timestamp, path: path, isNullable: false) }
            var name = String(
                String.UnicodeScalarView(
                    path.unicodeScalars.map { $0.isASCII && $0.properties.isAlphabetic || ("0"..."9").contains($0) ? $0 : "_" }))
            while !names.insert(name).inserted || name.isEmpty { name += "_" }
            return .init(name, type, path: path)
        }
    }
}

/// A JSON value, decoded only to see what it is.
private enum JSONGuess: Decodable {
    case text(String)
    case object([String: JSONGuess])
    case list

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .text(String(value))
        } else if let value = try? container.decode(Int64.self) {
            self = .text(String(value))
        } else if let value = try? container.decode(Double.self) {
            self = .text(String(value))
        } else if let value = try? container.decode(String.self) {
            // A text that looks like a number is still a text.
            self = .text(Double(value) == nil && value != "true" && value != "false" ? value : value + "\u{0}")
        } else if let value = try? container.decode([String: JSONGuess].self) {
            self = .object(value)
        } else {
            self = container.decodeNil() ? .text("") : .list
        }
    }

    func collect(_ path: String, _ found: inout InferredColumns, depth: Int = 0) {
        let key = depth == 0 ? Self.escaped(path) : path
        switch self {
        case .text(let text): found.add(key, text)
        case .list: found.add(key, "[]")
        case .object(let members):
            guard depth < 8 else { return }
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                value.collect(key + "." + Self.escaped(name), &found, depth: depth + 1)
            }
        }
    }

    private static func escaped(_ key: String) -> String {
        OutsideText(key).replacingScalars { $0 == "\\" || $0 == "." ? "\\\($0)" : nil }
    }
}
