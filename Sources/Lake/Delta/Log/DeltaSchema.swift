import Columns
import Foundation

/// The schema as the log holds it: the JSON of Spark's struct type.
///
/// Source: Delta Transaction Log Protocol, "Schema Serialization Format".
struct DeltaSchema: Sendable {
    /// The columns as a batch has them; nested ones and decimals are texts.
    let schema: Schema
    /// Columns that obs reads but does not write, each with the reason.
    let onlyReadable: [String: String]

    private struct Structure: Codable {
        struct FieldText: Codable {
            var name: String
            var type: Kind
            var nullable: Bool
            var metadata: [String: Ignored] = [:]
        }

        /// A primitive type's name, or nil for a nested one.
        struct Kind: Codable {
            var name: String?

            init(name: String) { self.name = name }
            init(from decoder: any Decoder) throws { name = try? decoder.singleValueContainer().decode(String.self) }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(name)
            }
        }

        /// Metadata may hold anything; only which keys there are counts.
        struct Ignored: Codable {
            init(from decoder: any Decoder) throws {}
            func encode(to encoder: any Encoder) throws {}
        }

        var type = "struct"
        var fields: [FieldText]
    }

    private static let names: [(ColumnType, String)] = [
        (.bool, "boolean"), (.int32, "integer"), (.int64, "long"), (.float, "float"), (.double, "double"), (.date, "date"),
        (.timestamp, "timestamp"), (.text, "string"), (.binary, "binary"),
    ]

    static func text(of schema: Schema) -> String {
        let fields = schema.fields.map { field in
            Structure.FieldText(
                name: field.name, type: .init(name: names.first { $0.0 == field.type }!.1), nullable: field.isNullable)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A structure of plain texts always encodes.
        return String(decoding: try! encoder.encode(Structure(fields: fields)), as: UTF8.self)
    }

    /// The text of the schema with `added` at its end; what obs does not know of the columns that are there stays as it is.
    static func text(_ text: String, adding added: [Field], table: String) throws(LakeError) -> String {
        let damaged = LakeError.schemaMismatch(table: table, reason: "its log holds a schema that cannot be extended")
        guard var structure = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
            let fields = structure["fields"] as? [Any],
            let new = try? JSONSerialization.jsonObject(with: Data(Self.text(of: Schema(added)).utf8)) as? [String: Any],
            let newFields = new["fields"] as? [Any]
        else { throw damaged }
        structure["fields"] = fields + newFields
        guard let bytes = try? JSONSerialization.data(withJSONObject: structure, options: [.sortedKeys, .withoutEscapingSlashes])
        else { throw damaged }
        return String(decoding: bytes, as: UTF8.self)
    }

    init(_ text: String, table: String) throws(LakeError) {
        guard let structure = try? JSONDecoder().decode(Structure.self, from: Data(text.utf8)),
            Set(structure.fields.map(\.name)).count == structure.fields.count
        else {
            throw .schemaMismatch(table: table, reason: "its log holds a schema that cannot be read")
        }
        var fields: [Field] = []
        var onlyReadable: [String: String] = [:]
        for field in structure.fields {
            let type: ColumnType
            switch field.type.name {
            case nil:
                type = .text
                onlyReadable[field.name] = "the nested column '\(field.name)'"
            case "byte", "short":
                // Stored as 32-bit numbers; written by obs they would be said to be of another kind.
                type = .int32
                onlyReadable[field.name] = "the column type '\(field.type.name!)' of '\(field.name)'"
            case "timestamp_ntz":
                type = .timestamp
                onlyReadable[field.name] = "the column type 'timestamp_ntz' of '\(field.name)'"
            case let name? where name.hasPrefix("decimal"):
                type = .text
                onlyReadable[field.name] = "the column type '\(name)' of '\(field.name)'"
            case let name?:
                guard let known = Self.names.first(where: { $0.1 == name })?.0 else {
                    throw .unsupported(table: table, feature: "the column type '\(name)'")
                }
                type = known
            }
            // Writers of version 2 hold rows against these.
            if field.metadata["delta.invariants"] != nil { onlyReadable[field.name] = "the invariant of column '\(field.name)'" }
            fields.append(Field(field.name, type, isNullable: field.nullable || field.type.name == nil))
        }
        schema = Schema(fields)
        self.onlyReadable = onlyReadable
    }
}
