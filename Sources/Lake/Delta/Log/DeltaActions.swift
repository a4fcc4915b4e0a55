import Foundation

/// A line of a commit file: one of these is there.
///
/// Source: Delta Transaction Log Protocol, "Actions".
struct DeltaAction: Codable, Sendable {
    struct ProtocolVersions: Codable, Equatable, Sendable {
        var minReaderVersion: Int
        var minWriterVersion: Int
        var readerFeatures: [String]?
        var writerFeatures: [String]?
    }

    struct Metadata: Codable, Equatable, Sendable {
        struct Format: Codable, Equatable, Sendable {
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

    struct Add: Codable, Equatable, Sendable {
        /// Part of it is enough to know that there is one.
        struct DeletionVector: Codable, Equatable, Sendable {
            var storageType: String?
        }
        /// As the log holds it: percent-encoded.
        var path: String
        var partitionValues: [String: String?] = [:]
        var size: Int
        /// Milliseconds since 1970, as all times of the protocol.
        var modificationTime: Int64
        var dataChange = true
        var stats: String?
        var deletionVector: DeletionVector?
    }

    struct Remove: Codable, Equatable, Sendable {
        var path: String
        var deletionTimestamp: Int64?
        var dataChange = true
        var extendedFileMetadata: Bool?
        var partitionValues: [String: String?]?
        var size: Int?
    }

    struct Transaction: Codable, Equatable, Sendable {
        var appId: String
        var version: Int64
        var lastUpdated: Int64?
    }

    /// What people read in the history; nothing depends on it.
    struct CommitInfo: Codable, Equatable, Sendable {
        var timestamp: Int64?
        var operation: String?
        var operationParameters: [String: String]?
        var readVersion: Int64?
        var isBlindAppend: Bool?
        var engineInfo: String?
        /// See ``CommitSeal``.
        var obsChecksum: String?
        var obsPrevious: String?

        private enum CodingKeys: CodingKey {
            case timestamp, operation, operationParameters, readVersion, isBlindAppend, engineInfo, obsChecksum, obsPrevious
        }

        init(timestamp: Int64, operation: String, parameters: [String: String], readVersion: Int64?, isBlindAppend: Bool) {
            self.timestamp = timestamp
            self.operation = operation
            operationParameters = parameters
            self.readVersion = readVersion
            self.isBlindAppend = isBlindAppend
            engineInfo = "obs"
        }

        /// Other writers put what they like here: what is not as expected is left out.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            timestamp = try? container.decodeIfPresent(Int64.self, forKey: .timestamp)
            operation = try? container.decodeIfPresent(String.self, forKey: .operation)
            operationParameters = try? container.decodeIfPresent([String: String].self, forKey: .operationParameters)
            readVersion = try? container.decodeIfPresent(Int64.self, forKey: .readVersion)
            isBlindAppend = try? container.decodeIfPresent(Bool.self, forKey: .isBlindAppend)
            engineInfo = try? container.decodeIfPresent(String.self, forKey: .engineInfo)
            obsChecksum = try? container.decodeIfPresent(String.self, forKey: .obsChecksum)
            obsPrevious = try? container.decodeIfPresent(String.self, forKey: .obsPrevious)
        }
    }

    var `protocol`: ProtocolVersions?
    var metaData: Metadata?
    var add: Add?
    var remove: Remove?
    var txn: Transaction?
    var commitInfo: CommitInfo?

    /// Says nothing about the rows of a table that obs can open: that it is there is all that is kept.
    struct Other: Codable, Sendable {
        init(from decoder: any Decoder) throws {}
        func encode(to encoder: any Encoder) throws {}
    }
    var cdc: Other?
    var domainMetadata: Other?
    var checkpointMetadata: Other?
    var sidecar: Other?

    /// Whether the protocol has such an action. What a line with another name meant is lost: its name has been damaged.
    var isKnown: Bool {
        `protocol` != nil || metaData != nil || add != nil || remove != nil || txn != nil || commitInfo != nil || cdc != nil
            || domainMetadata != nil || checkpointMetadata != nil || sidecar != nil
    }
}

/// The milliseconds since 1970 that a commit made now has.
func commitTime() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
