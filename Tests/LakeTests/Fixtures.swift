import Columns
import Foundation
import TestSupport

@testable import Lake

let allTypes = Schema(
    ColumnType.allCases.map { Field("\($0)", $0, isNullable: true) } + ColumnType.allCases.map { Field("\($0)_set", $0) })

/// Rows of every type, with nulls, extremes and texts that need care.
func randomBatch(rows: Int, seed: UInt64, schema: Schema = allTypes) -> Batch {
    var random = SplitMix64(seed: seed)
    let words = ["", "a", "root", "ünï😀", "line\nbreak", "quote\"", "null", "\u{0}", String(repeating: "long ", count: 40)]
    func value(_ type: ColumnType) -> Value {
        let isExtreme = Int.random(in: 0..<20, using: &random) == 0
        switch type {
        case .bool: return .bool(Bool.random(using: &random))
        case .int32:
            return .int(
                Int64(
                    isExtreme ? [Int32.min, .max].randomElement(using: &random)! : Int32.random(in: -100...100, using: &random)))
        case .int64:
            return .int(
                isExtreme
                    ? [Int64.min, .max].randomElement(using: &random)! : Int64.random(in: -100_000...100_000, using: &random))
        case .float: return .double(Double(Float.random(in: -1e6...1e6, using: &random)))
        case .double:
            return .double(
                isExtreme
                    ? [0, -0.0, .infinity, .leastNormalMagnitude].randomElement(using: &random)!
                    : Double.random(in: -1...1, using: &random))
        case .date: return .date(Int32.random(in: -10_000...40_000, using: &random))
        case .timestamp:
            return .timestamp(
                Timestamp(microseconds: Int64.random(in: -1_000_000_000_000...2_000_000_000_000_000, using: &random)))
        case .text:
            return .text(isExtreme ? String(UInt64.random(in: 0 ... .max, using: &random)) : words.randomElement(using: &random)!)
        case .binary:
            return .binary((0..<Int.random(in: 0...8, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }
    let all = (0..<rows).map { _ in
        schema.fields.map { field in
            field.isNullable && Int.random(in: 0..<5, using: &random) == 0 ? Value.null : value(field.type)
        }
    }
    return try! Batch(schema: schema, rows: all)
}

/// All rows of a table at its loaded version.
func rows(_ table: DeltaTable, columns: [String]? = nil) throws -> [[Value]] {
    var all: [[Value]] = []
    try table.scan(columns: columns) { batch in
        all += (0..<batch.count).map(batch.row)
        return true
    }
    return all
}

/// Commits rows in one file.
func append(
    _ rows: [[Value]], to table: DeltaTable, schema: Schema? = nil, transaction: (String, Int64)? = nil
) throws {
    let writer = table.writer()
    try writer.append(try Batch(schema: schema ?? table.schema, rows: rows))
    try table.commit(adding: writer.finish(), transaction: transaction)
}

/// Runs a program in Python and gives what it prints.
@discardableResult
func python(_ program: String) throws -> String { try run(peersPython, ["-c", program]) }

/// Runs a program of the folder `Peers`.
func python(script: String, _ arguments: [String]) throws -> String {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers")
    return try run(peersPython, ["-B", folder.appending(path: script).path] + arguments)
}

/// Rows as `Peers/canonical.py` compares them: a JSON list of tagged texts a line.
func canonicalLines(_ batches: [Batch]) -> String {
    var lines = ""
    for batch in batches {
        for row in 0..<batch.count {
            let values = zip(batch.schema.fields, batch.columns).map { field, column in
                canonical(column.value(at: row, as: field.type), isFloat: field.type == .float)
            }
            lines += "[" + values.joined(separator: ",") + "]\n"
        }
    }
    return lines
}

private func canonical(_ value: Value, isFloat: Bool) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): "\"B:\(flag)\""
    case .int(let number): "\"i:\(number)\""
    case .double(let number) where isFloat: number.isNaN ? "\"f:nan\"" : "\"f:\(Float(number).bitPattern)\""
    case .double(let number): number.isNaN ? "\"d:nan\"" : "\"d:\(number.bitPattern)\""
    case .date(let days): "\"D:\(days)\""
    case .timestamp(let time): "\"t:\(time.microseconds)\""
    case .text(let text): JSONText.quote("s:" + text)
    case .binary(let bytes): JSONText.quote("b:" + Value.binary(bytes).description)
    }
}
