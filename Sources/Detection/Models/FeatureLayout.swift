import Columns

/// Which columns a model looks at, and how a text becomes a number: what was so in training must be so in scoring.
struct FeatureLayout: Sendable, Codable, Equatable {
    struct Feature: Sendable, Codable, Equatable {
        var column: String
        /// Of a text column: the texts that training met, in order; a text is its place here, and one that is not here is a
        /// missing value.
        var categories: [String]?
    }

    /// A column with more distinct texts than this names things rather than sorts them: it is not a feature.
    static let maxCategories = 64

    let features: [Feature]

    /// The columns of `batches` that can be features: numbers, booleans and texts of few kinds.
    ///
    /// - Parameter excluded: columns that are not features, such as the label and the key.
    init(of batches: [Batch], excluding excluded: Set<String>) {
        guard let schema = batches.first?.schema else {
            features = []
            return
        }
        features = schema.fields.compactMap { field in
            guard !excluded.contains(field.name) else { return nil }
            switch field.type {
            case .bool, .int32, .int64, .float, .double: return Feature(column: field.name)
            case .timestamp, .date, .binary: return nil
            case .text:
                var texts: Set<OutsideText> = []
                for batch in batches {
                    guard let column = batch[field.name] else { continue }
                    for row in 0..<batch.count {
                        if let text = column.string(at: row) { texts.insert(OutsideText(text)) }
                        if texts.count > Self.maxCategories { return nil }
                    }
                }
                return texts.count < 2 ? nil : Feature(column: field.name, categories: texts.sorted().map(\.string))
            }
        }
    }

    var names: [String] { features.map(\.column) }

    /// The features of `batches`, by feature and then row; what is not there is NaN.
    ///
    /// - Throws: ``ModelError/missingFeature(_:)``.
    func columns(of batches: [Batch]) throws(ModelError) -> [[Double]] {
        var columns: [[Double]] = []
        for feature in features {
            var values: [Double] = []
            values.reserveCapacity(batches.reduce(0) { $0 + $1.count })
            for batch in batches {
                guard let column = batch[feature.column] else { throw .missingFeature(feature.column) }
                if let categories = feature.categories {
                    let codes = Dictionary(categories.enumerated().map { (OutsideText($1), Double($0)) }) { first, _ in first }
                    for row in 0..<batch.count {
                        values.append(column.string(at: row).flatMap { codes[OutsideText($0)] } ?? .nan)
                    }
                } else {
                    for row in 0..<batch.count { values.append(column.number(at: row) ?? .nan) }
                }
            }
            columns.append(values)
        }
        return columns
    }
}
