import Columns

/// The state of a log at one version as one Parquet file, so that a reader need not read all commits before it.
///
/// Each row is an action: one of the groups `txn`, `add`, `remove`, `metaData`, `protocol` is there, the others are null.
///
/// Source: Delta Transaction Log Protocol, "Checkpoints", "V1 Spec".
enum LogCheckpoint {
    private static let root = ParquetNode.root([
        .group("txn", [.leaf("appId", .text), .leaf("version", .int64), .leaf("lastUpdated", .int64)]),
        .group(
            "add",
            [
                .leaf("path", .text), .textMap("partitionValues"), .leaf("size", .int64), .leaf("modificationTime", .int64),
                .leaf("dataChange", .bool), .leaf("stats", .text), .textMap("tags"),
            ]),
        .group(
            "remove",
            [
                .leaf("path", .text), .leaf("deletionTimestamp", .int64), .leaf("dataChange", .bool),
                .leaf("extendedFileMetadata", .bool), .textMap("partitionValues"), .leaf("size", .int64),
            ]),
        .group(
            "metaData",
            [
                .leaf("id", .text), .leaf("name", .text), .leaf("description", .text),
                .group("format", [.leaf("provider", .text), .textMap("options")]), .leaf("schemaString", .text),
                .texts("partitionColumns"), .textMap("configuration"), .leaf("createdTime", .int64),
            ]),
        .group(
            "protocol",
            [
                .leaf("minReaderVersion", .int32), .leaf("minWriterVersion", .int32), .texts("readerFeatures"),
                .texts("writerFeatures"),
            ]),
    ])

    // MARK: Writing

    static func file(_ actions: [DeltaAction]) -> [UInt8] {
        NestedWriter(root).file(actions.map(row))
    }

    private static func row(_ action: DeltaAction) -> NestedValue {
        let txn = action.txn.map {
            structure([("appId", text($0.appId)), ("version", int($0.version)), ("lastUpdated", int($0.lastUpdated))])
        }
        let add = action.add.map {
            structure([
                ("path", text($0.path)), ("partitionValues", map($0.partitionValues)), ("size", int(Int64($0.size))),
                ("modificationTime", int($0.modificationTime)), ("dataChange", bool($0.dataChange)), ("stats", text($0.stats)),
                ("tags", .null),
            ])
        }
        let remove = action.remove.map {
            structure([
                ("path", text($0.path)), ("deletionTimestamp", int($0.deletionTimestamp)), ("dataChange", bool($0.dataChange)),
                ("extendedFileMetadata", bool($0.extendedFileMetadata)), ("partitionValues", map($0.partitionValues)),
                ("size", int($0.size.map(Int64.init))),
            ])
        }
        let metadata = action.metaData.map {
            structure([
                ("id", text($0.id)), ("name", text($0.name)), ("description", text($0.description)),
                ("format", structure([("provider", text($0.format.provider)), ("options", map($0.format.options))])),
                ("schemaString", text($0.schemaString)), ("partitionColumns", list($0.partitionColumns)),
                ("configuration", map($0.configuration)), ("createdTime", int($0.createdTime)),
            ])
        }
        let versions = action.protocol.map {
            structure([
                ("minReaderVersion", int(Int64($0.minReaderVersion))), ("minWriterVersion", int(Int64($0.minWriterVersion))),
                ("readerFeatures", list($0.readerFeatures)), ("writerFeatures", list($0.writerFeatures)),
            ])
        }
        return structure([
            ("txn", txn ?? .null), ("add", add ?? .null), ("remove", remove ?? .null), ("metaData", metadata ?? .null),
            ("protocol", versions ?? .null),
        ])
    }

    private static func structure(_ members: [(String, NestedValue)]) -> NestedValue {
        .structure(members.map { (name: $0.0, value: $0.1) })
    }
    private static func text(_ text: String?) -> NestedValue { text.map { .single(.text($0)) } ?? .null }
    private static func int(_ number: Int64?) -> NestedValue { number.map { .single(.int($0)) } ?? .null }
    private static func bool(_ flag: Bool?) -> NestedValue { flag.map { .single(.bool($0)) } ?? .null }
    private static func list(_ texts: [String]?) -> NestedValue { texts.map { .list($0.map { .single(.text($0)) }) } ?? .null }
    private static func map(_ pairs: [String: String]?) -> NestedValue { map(pairs?.mapValues(Optional.some)) }
    private static func map(_ pairs: [String: String?]?) -> NestedValue {
        guard let pairs else { return .null }
        return .map(pairs.sorted { $0.key < $1.key }.map { (key: .single(.text($0.key)), value: text($0.value)) })
    }

    // MARK: Reading

    /// The actions of one file of a checkpoint, also of one that Spark or delta-rs wrote.
    static func actions(_ storage: any Storage, _ key: String) throws(LakeError) -> [DeltaAction] {
        let reader = try ParquetReader(storage, key)
        var actions: [DeltaAction] = []
        for group in 0..<reader.rowGroupCount {
            for name in ["protocol", "metaData", "txn", "add", "remove"] where reader.schema[name] != nil {
                for value in try reader.nested(name, rowGroup: group) {
                    guard case .structure = value else { continue }
                    guard let action = action(name, value) else {
                        throw .badFile(path: storage.location(key), reason: "a row is not an action of the protocol")
                    }
                    actions.append(action)
                }
            }
            // Checkpoints of the second version keep their files in sidecars; their tables have a feature that says so.
        }
        return actions
    }

    private static func action(_ name: String, _ value: NestedValue) -> DeltaAction? {
        switch name {
        case "protocol":
            guard let reader = value["minReaderVersion"].int, let writer = value["minWriterVersion"].int else { return nil }
            return DeltaAction(
                protocol: .init(
                    minReaderVersion: Int(reader), minWriterVersion: Int(writer), readerFeatures: value["readerFeatures"].texts,
                    writerFeatures: value["writerFeatures"].texts))
        case "metaData":
            guard let id = value["id"].text, let schema = value["schemaString"].text else { return nil }
            return DeltaAction(
                metaData: .init(
                    id: id, name: value["name"].text, description: value["description"].text,
                    format: .init(
                        provider: value["format"]["provider"].text ?? "parquet",
                        options: value["format"]["options"].textMap.map { $0.compactMapValues { $0 } }),
                    schemaString: schema, partitionColumns: value["partitionColumns"].texts ?? [],
                    configuration: value["configuration"].textMap.map { $0.compactMapValues { $0 } },
                    createdTime: value["createdTime"].int))
        case "txn":
            guard let application = value["appId"].text, let version = value["version"].int else { return nil }
            return DeltaAction(txn: .init(appId: application, version: version, lastUpdated: value["lastUpdated"].int))
        case "add":
            guard let path = value["path"].text, let size = value["size"].int else { return nil }
            let hasVector = if case .structure = value["deletionVector"] { true } else { false }
            return DeltaAction(
                add: .init(
                    path: path, partitionValues: value["partitionValues"].textMap ?? [:], size: Int(size),
                    modificationTime: value["modificationTime"].int ?? 0, dataChange: false, stats: value["stats"].text,
                    deletionVector: hasVector ? .init(storageType: nil) : nil))
        default:
            guard let path = value["path"].text else { return nil }
            return DeltaAction(
                remove: .init(
                    path: path, deletionTimestamp: value["deletionTimestamp"].int, dataChange: false,
                    extendedFileMetadata: value["extendedFileMetadata"].bool, partitionValues: value["partitionValues"].textMap,
                    size: value["size"].int.map(Int.init)))
        }
    }
}

extension NestedValue {
    fileprivate var text: String? { if case .single(.text(let text)) = self { text } else { nil } }
    fileprivate var int: Int64? { if case .single(.int(let number)) = self { number } else { nil } }
    fileprivate var bool: Bool? { if case .single(.bool(let flag)) = self { flag } else { nil } }
    fileprivate var texts: [String]? { if case .list(let all) = self { all.compactMap(\.text) } else { nil } }
    fileprivate var textMap: [String: String?]? {
        guard case .map(let pairs) = self else { return nil }
        var map: [String: String?] = [:]
        for pair in pairs { if let key = pair.key.text { map[key] = .some(pair.value.text) } }
        return map
    }
}
