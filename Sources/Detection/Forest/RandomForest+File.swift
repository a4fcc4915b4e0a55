import Foundation

/// A forest as it stands in a model file. A file may be damaged, or be made by somebody who wishes us ill: what is read is
/// checked before a row is scored with it, so that no walk through a tree can leave it or go round in circles.
extension RandomForest: Codable {
    private enum CodingKeys: String, CodingKey {
        case featureCount = "feature_count", classCount = "class_count", options, trees, importances
    }

    /// More than training makes of the largest table; a file beyond is refused before memory is.
    static let maxNodes = 50_000_000

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(featureCount, forKey: .featureCount)
        try container.encode(classCount, forKey: .classCount)
        try container.encode(options, forKey: .options)
        try container.encode(trees, forKey: .trees)
        try container.encode(importances, forKey: .importances)
    }

    /// - Throws: `DecodingError.dataCorrupted` when the forest does not hold together.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func refuse(_ what: String, _ key: CodingKeys) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: what)
        }
        let featureCount = try container.decode(Int.self, forKey: .featureCount)
        let classCount = try container.decode(Int.self, forKey: .classCount)
        guard (1...100_000).contains(featureCount) else { throw refuse("the number of features is out of range", .featureCount) }
        guard (2...65_535).contains(classCount) else { throw refuse("the number of classes is out of range", .classCount) }
        let trees = try container.decode([ClassificationTree].self, forKey: .trees)
        guard !trees.isEmpty else { throw refuse("there are no trees", .trees) }
        for tree in trees where tree.classCount != classCount || !tree.isSound(featureCount: featureCount) {
            throw refuse("a tree does not hold together", .trees)
        }
        let importances = try container.decode([Double].self, forKey: .importances)
        guard importances.count == featureCount else { throw refuse("there is not one importance a feature", .importances) }
        self.init(
            featureCount: featureCount, classCount: classCount,
            options: try container.decode(Options.self, forKey: .options), trees: trees, importances: importances)
    }
}

extension ClassificationTree {
    /// Whether every walk from the root ends in a leaf and meets only features that there are.
    func isSound(featureCount: Int, maxNodes: Int = RandomForest.maxNodes) -> Bool {
        let count = feature.count
        guard (1...maxNodes).contains(count), threshold.count == count, left.count == count, right.count == count,
            shares.count == count * classCount, threshold.allSatisfy(\.isFinite),
            shares.allSatisfy({ $0 >= 0 && $0 <= 1 })
        else { return false }
        return feature.indices.allSatisfy { node in
            guard feature[node] >= 0 else { return true }
            // A child comes after its parent: each step goes forward, so a walk ends.
            return feature[node] < featureCount && left[node] > node && left[node] < count && right[node] > node
                && right[node] < count
        }
    }
}
