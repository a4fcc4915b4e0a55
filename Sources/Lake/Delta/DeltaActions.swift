import Columns
import Foundation

/// The lines of a commit file.
///
/// Source: Delta Transaction Log Protocol, "Actions".
struct DeltaAction: Codable {
    struct ProtocolVersions: Codable, Equatable {
        var minReaderVersion: Int
        var minWriterVersion: Int
        var readerFeatures: [String]?
        var writerFeatures: [String]?
    }

    struct Metadata: Codable, Equatable {
        struct Format: Codable, Equatable {
            var provider = "parquet"
            var options: [String: String]? = [:]
        }
        var id: String
        var name: String?
        var description: String?
        var format = Format()
        var schemaString: String
        var partitionColumns: [String] = []
        var configuration: [String: String]? = [:]
        var createdTime: Int64?
    }

    struct Add: Codable, Equatable {
        var path: String
        var partitionValues: [String: String?] = [:]
        var size: Int
        /// Milliseconds since 1970, as all times of the protocol.
        var modificationTime: Int64
        var dataChange = true
        var stats: String?
        var deletionVector: [String: String]?
    }

    struct Remove: Codable, Equatable {
        var path: String
        var deletionTimestamp: Int64?
        var dataChange = true
    }

    struct Transaction: Codable, Equatable {
        var appId: String
        var version: Int64
        var lastUpdated: Int64?
    }

    struct CommitInfo: Codable, Equatable {
        var timestamp: Int64?
        var operation: String?
        var engineInfo: String?
        var isBlindAppend: Bool?
    }

    var `protocol`: ProtocolVersions?
    var metaData: Metadata?
    var add: Add?
    var remove: Remove?
    var txn: Transaction?
    var commitInfo: CommitInfo?
}

/// The schema as the log holds it: the JSON of Spark's struct type.
///
/// Source: Delta Transaction Log Protocol, "Schema Serialization Format".
enum DeltaSchema {
    private struct Structure: Codable {
        struct FieldText: Codable {
            var name: String
            var type: Kind
            var nullable: Bool
            var metadata: [String: String] = [:]

            private enum CodingKeys: CodingKey { case name, type, nullable, metadata }

            init(name: String, type: Kind, nullable: Bool) {
                self.name = name
                self.type = type
                self.nullable = nullable
            }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                name = try container.decode(String.self, forKey: .name)
                type = try container.decode(Kind.self, forKey: .type)
                nullable = try container.decode(Bool.self, forKey: .nullable)
            }
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

    static func schema(of text: String, table: String) throws(LakeError) -> Schema {
        guard let structure = try? JSONDecoder().decode(Structure.self, from: Data(text.utf8)) else {
            throw .schemaMismatch(table: table, reason: "its log holds a schema that cannot be read")
        }
        var fields: [Field] = []
        for field in structure.fields {
            guard let name = field.type.name else {
                throw .unsupported(table: table, feature: "the nested column '\(field.name)'")
            }
            // byte and short are stored as 32-bit numbers.
            guard let type = name == "byte" || name == "short" ? .int32 : names.first(where: { $0.1 == name })?.0 else {
                throw .unsupported(table: table, feature: "the column type '\(name)'")
            }
            fields.append(Field(field.name, type, isNullable: field.nullable))
        }
        return Schema(fields)
    }
}
