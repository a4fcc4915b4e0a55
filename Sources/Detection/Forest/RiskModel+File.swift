import Columns
import Foundation

/// A model of risk as it stands in its file: a forest under `forest`, where it was before there were boosted trees; those under
/// `boosted`. A file may be damaged, or be made by somebody who wishes us ill: its parts must fit each other.
extension RiskModel: Codable {
    private enum CodingKeys: CodingKey {
        case format, table, label, layout, forest, boosted, medians, threshold, quality, trainedOn, trainedAt, trainedSpan
        case parameters, profile
    }

    /// Writes all of the model.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(format, forKey: .format)
        try container.encode(table, forKey: .table)
        try container.encode(label, forKey: .label)
        try container.encode(layout, forKey: .layout)
        switch trees {
        case .forest(let forest): try container.encode(forest, forKey: .forest)
        case .boosted(let boosted): try container.encode(boosted, forKey: .boosted)
        }
        try container.encode(medians, forKey: .medians)
        try container.encode(threshold, forKey: .threshold)
        try container.encode(quality, forKey: .quality)
        try container.encode(trainedOn, forKey: .trainedOn)
        try container.encode(trainedAt, forKey: .trainedAt)
        try container.encodeIfPresent(trainedSpan, forKey: .trainedSpan)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(profile, forKey: .profile)
    }

    /// - Throws: `DecodingError` for a model whose parts do not fit together, which would lead scoring astray.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        format = try container.decode(Int.self, forKey: .format)
        table = try container.decode(String.self, forKey: .table)
        label = try container.decode(String.self, forKey: .label)
        layout = try container.decode(FeatureLayout.self, forKey: .layout)
        if let boosted = try container.decodeIfPresent(BoostedRisk.self, forKey: .boosted) {
            trees = .boosted(boosted)
        } else {
            trees = .forest(try container.decode(RandomForest.self, forKey: .forest))
        }
        medians = try container.decode([Double].self, forKey: .medians)
        threshold = try container.decode(Double.self, forKey: .threshold)
        quality = try container.decode(Quality.self, forKey: .quality)
        trainedOn = try container.decode(Int.self, forKey: .trainedOn)
        trainedAt = try container.decode(Timestamp.self, forKey: .trainedAt)
        trainedSpan = try container.decodeIfPresent(ClosedRange<Timestamp>.self, forKey: .trainedSpan)
        parameters = try container.decode(Labels.self, forKey: .parameters)
        profile = try container.decode(TrainingProfile.self, forKey: .profile)
        let count = layout.features.count
        guard (1...2).contains(format), trees.featureCount == count, medians.count == count + trees.pairs.count,
            profile.isSound(featureCount: count), medians.allSatisfy(\.isFinite), threshold > 0
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .layout, in: container, debugDescription: "the parts of the model do not fit together")
        }
    }
}
