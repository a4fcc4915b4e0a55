import Columns
import Detection
import HTTPTypes
import Synchronization

/// Scores rows by a model of the registry, in the format of MLflow's scoring server:
/// `POST /api/v1/models/{name}/invocations`.
///
/// Source: MLflow, "Deploy MLflow Model as a Local Inference Server", "Accepted Input Formats".
enum ModelRoutes {
    /// A request of more rows is refused: it would hold up others for too long.
    static let maxRows = 10_000

    /// - Parameter models: nil for an obs without models, which knows none of any name.
    static func all(_ models: ModelRegistry?) -> [Route] {
        let used = UsedModels(models)
        return [
            Route(
                .post, "/api/v1/models/{name}/invocations",
                Operation("scoreRows", .data, "Scores rows by the champion of a model, or by NAME@ALIAS or NAME@VERSION") {
                    $0.body = .json([
                        "type": "object", "minProperties": 1,
                        "properties": [
                            "dataframe_split": ["type": "object"], "dataframe_records": ["type": "array"],
                            "instances": ["type": "array"], "inputs": ["type": "object"],
                        ],
                    ])
                    $0.response = .json(["type": "object", "properties": ["predictions": ["type": "array"]]])
                    $0.responseSummary = "A score per row"
                    $0.refusals = [400, 404, 413, 415, 503]
                }
            ) { request in
                guard request.mediaType == "application/json" else {
                    throw HTTPFailure(
                        .unsupportedMediaType, code: "bad_body", "the body is to be JSON, sent with Content-Type application/json"
                    )
                }
                let model = try used.model(request.parameter("name"))
                let rows = try ScoringRequest(request.body, features: model.features, schema: model.featureSchema).rows
                let scores: [Double]
                do { scores = try model.scores(of: rows) } catch {
                    throw HTTPFailure(.badRequest, code: "bad_rows", "\(error)")
                }
                let texts = scores.map { JSONText.render(.double($0)) }
                return .json("{\"predictions\":[\(texts.joined(separator: ","))]}\n")
            }
        ]
    }
}

/// The models that were asked for last, read once per version.
private final class UsedModels: Sendable {
    private static let most = 8

    private let registry: ModelRegistry?
    /// By checksum, the newest last.
    private let known: Mutex<[(checksum: String, model: any RegisteredModel)]> = Mutex([])

    init(_ registry: ModelRegistry?) { self.registry = registry }

    /// - Parameter text: `NAME`, `NAME@ALIAS` or `NAME@VERSION`.
    func model(_ text: String) throws -> any RegisteredModel {
        let (name, reference) = ModelRegistry.parts(of: text)
        guard let registry, let entry = try registry.entry(name, at: reference) else {
            throw HTTPFailure(
                .notFound, code: "no_model",
                "there is no model '\(OutsideText(text).inOneLine)'; 'obs model list' shows all versions and their aliases")
        }
        if let found = known.withLock({ known in known.first { $0.checksum == entry.checksum }?.model }) { return found }
        let model: any RegisteredModel
        do { model = try registry.file(of: entry).model() } catch {
            throw HTTPFailure(.serviceUnavailable, code: "damaged_model", error.description)
        }
        known.withLock { known in
            known.append((entry.checksum, model))
            if known.count > Self.most { known.removeFirst() }
        }
        return model
    }
}

/// The rows of a request: `dataframe_split`, `dataframe_records`, `instances` or `inputs`.
struct ScoringRequest {
    /// The features of the model, a row per row of the request. Other columns are left out.
    let rows: Batch

    /// - Parameters:
    ///   - features: of the model, in its order: what a list of lists has.
    ///   - schema: ``RegisteredModel/featureSchema``.
    /// - Throws: `HTTPFailure` 400 or 413.
    init(_ body: [UInt8], features: [String], schema: [String]) throws {
        let json: JSON
        do { json = try JSON(parsing: body) } catch { throw Self.bad("the body is not JSON: \(error)") }
        guard case .object = json else { throw Self.bad("the body is not an object") }
        let texts = schema.map { OutsideText($0).starts(with: "text") }
        let values: [[JSON?]]
        if let split = json["dataframe_split"] {
            values = try Self.split(split, features)
        } else if let records = json["dataframe_records"]?.list {
            values = try Self.records(records, features, "dataframe_records")
        } else if let instances = json["instances"]?.list {
            values =
                instances.first?.list == nil
                ? try Self.records(instances, features, "instances") : try Self.lists(instances, features)
        } else if let inputs = json["inputs"] {
            values = try Self.columns(inputs, features)
        } else {
            throw Self.bad("one of dataframe_split, dataframe_records, instances and inputs is needed")
        }
        guard values.count <= ModelRoutes.maxRows else { throw Self.tooMany(values.count) }
        let fields = zip(features, texts).map { Field($0, $1 ? .text : .double, isNullable: true) }
        rows = try Batch(
            schema: Schema(fields),
            rows: values.enumerated().map { number, row in
                try row.indices.map { try Self.value(row[$0], isText: texts[$0], row: number, features[$0]) }
            })
    }

    private static func split(_ split: JSON, _ features: [String]) throws -> [[JSON?]] {
        guard let names = split["columns"]?.list?.map(\.text), let data = split["data"]?.list else {
            throw bad("dataframe_split is to have columns and data")
        }
        let places = try features.map { feature in
            guard let place = names.firstIndex(of: feature) else { throw missing(feature) }
            return place
        }
        return try data.enumerated().map { number, row in
            guard let values = row.list, values.count == names.count else {
                throw bad("row \(number) of dataframe_split does not have \(names.count) values")
            }
            return places.map { values[$0] }
        }
    }

    private static func records(_ records: [JSON], _ features: [String], _ key: String) throws -> [[JSON?]] {
        let rows = try records.enumerated().map { number, record -> [JSON?] in
            guard case .object(let members) = record else { throw bad("row \(number) of \(key) is not an object") }
            let values = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
            return features.map { values[OutsideText($0)] }
        }
        for (index, feature) in features.enumerated() where !rows.isEmpty && rows.allSatisfy({ $0[index] == nil }) {
            throw missing(feature)
        }
        return rows
    }

    private static func lists(_ instances: [JSON], _ features: [String]) throws -> [[JSON?]] {
        try instances.enumerated().map { number, row in
            guard let values = row.list, values.count == features.count else {
                throw bad(
                    "row \(number) of instances does not have \(features.count) values: \(features.joined(separator: ", "))")
            }
            return values
        }
    }

    private static func columns(_ inputs: JSON, _ features: [String]) throws -> [[JSON?]] {
        let columns = try features.map { feature in
            guard let column = inputs[feature]?.list else { throw missing(feature) }
            return column
        }
        let count = columns.first?.count ?? 0
        guard columns.allSatisfy({ $0.count == count }) else { throw bad("the columns of inputs differ in length") }
        guard count <= ModelRoutes.maxRows else { throw tooMany(count) }
        return (0..<count).map { row in columns.map { $0[row] } }
    }

    private static func value(_ json: JSON?, isText: Bool, row: Int, _ feature: String) throws -> Value {
        switch json {
        case nil, .null: .null
        case .text(let text) where isText: .text(text.string)
        case .number(let number): isText ? .text("\(number)") : .double(number)
        case .integer(let number): isText ? .text("\(number)") : .double(Double(number))
        case .bool(let flag): isText ? .text("\(flag)") : .double(flag ? 1 : 0)
        default: throw bad("row \(row) has no \(isText ? "text" : "number") in '\(feature)'")
        }
    }

    private static func missing(_ feature: String) -> HTTPFailure { bad("\(ModelError.missingFeature(feature))") }

    private static func tooMany(_ count: Int) -> HTTPFailure {
        HTTPFailure(
            .contentTooLarge, code: "too_many_rows",
            "there are \(count) rows, and a request may have \(ModelRoutes.maxRows); send several requests")
    }

    private static func bad(_ message: String) -> HTTPFailure { HTTPFailure(.badRequest, code: "bad_rows", message) }
}
