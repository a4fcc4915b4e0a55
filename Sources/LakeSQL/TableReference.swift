import Columns
import Foundation
import Lake

/// A table of the lake that a statement names: `silver.ssh`, or as it was, `silver.ssh@v12`, `silver.ssh@2026-11-27`.
struct TableReference: Hashable {
    let layer: String
    /// The name without the layer and the moment.
    let table: String
    /// What is behind the `@`; nil for the newest version.
    let moment: String?

    var nameInLake: String { "\(layer).\(table)" }

    /// As the schema of the layer has it.
    var nameInLayer: String { moment.map { "\(table)@\($0)" } ?? table }

    /// What is written in `text` of a statement, and the statement with each moment within the quotes of its table's name.
    ///
    /// SQLite takes `@v12` for a parameter; in quotes it is a part of the name.
    static func found(in statement: String) -> (references: Set<TableReference>, statement: String) {
        var tokens = SQLTokens(statement), found: Set<TableReference> = []
        let bytes = Array(statement.utf8)
        var written: [UInt8] = [], copied = 0
        var recent: [(token: SQLTokens.Token, range: Range<Int>)] = []
        while let token = tokens.next() {
            recent = recent.suffix(2) + [(token, tokens.range)]
            guard recent.count == 3, case .name(let layer) = recent[0].token, recent[1].token == .symbol(UInt8(ascii: ".")),
                case .name(let name) = recent[2].token
            else { continue }
            let end = recent[2].range.upperBound
            if let written = reference(layer, name) { found.insert(written) }
            guard end < bytes.count, bytes[end] == UInt8(ascii: "@"), !name.utf8.contains(UInt8(ascii: "@")) else { continue }
            let moment = bytes[(end + 1)...].prefix { isOfMoment($0) }
            guard !moment.isEmpty else { continue }
            let text = String(decoding: moment, as: UTF8.self)
            found.insert(TableReference(layer: layer, table: name, moment: text))
            written += bytes[copied..<recent[2].range.lowerBound] + Array("\"\(name)@\(text)\"".utf8)
            copied = moment.endIndex
            tokens.skip(to: copied)
            recent = []
        }
        written += bytes[copied...]
        return (found, String(decoding: written, as: UTF8.self))
    }

    private static func reference(_ layer: String, _ name: String) -> TableReference? {
        let parts = name.utf8.split(separator: UInt8(ascii: "@"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard Lake.isName(layer), Lake.isName(parts[0]) else { return nil }
        return TableReference(layer: layer, table: parts[0], moment: parts.count > 1 ? parts[1] : nil)
    }

    private static func isOfMoment(_ byte: UInt8) -> Bool {
        byte.isDigit || (0x61...0x7A).contains(byte | 0x20)
            || [UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "+")].contains(byte)
    }

    /// - Throws: `LakeError`, and ``LakeSQLError/badMoment(_:)``.
    func open(in lake: Lake) throws -> DeltaTable { try lake.table(nameInLake, at: tableMoment()) }

    /// When the table is asked for.
    ///
    /// - Throws: ``LakeSQLError/badMoment(_:)``.
    func tableMoment() throws(LakeSQLError) -> TableMoment {
        guard let moment else { return .newest }
        if moment.utf8.first == UInt8(ascii: "v"), let version = Int64(moment.dropFirst()) { return .version(version) }
        if let time = SQLTime.time(moment) { return .time(time) }
        throw .badMoment("\(layer).\(table)@\(moment)")
    }
}

/// What is wrong with the tables that a statement names.
public enum LakeSQLError: Error, CustomStringConvertible {
    case badMoment(String)
    /// SQLite refused to take a table in.
    case refused(String)
    /// A statement over groups does not give what the statement itself would: run that.
    case inexact

    public var description: String {
        switch self {
        case .badMoment(let name): "\(name): write a version or a time behind the @, such as @v12 or @2026-11-27T15:00:00Z"
        case .refused(let reason): reason
        case .inexact: "it is not known whether groups give what rows would"
        }
    }
}
