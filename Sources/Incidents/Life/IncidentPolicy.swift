import Columns
import Foundation

/// Which findings are one incident, and when coming and going becomes flapping. `alerting.incidents` in `obs.yaml`.
///
/// A finding with the same name and labels as an open incident always joins it. So does, unless it is said otherwise, one of
/// another kind about the same source: an attacker who guesses, sprays and gets in is one thing to look at. It hides nothing,
/// because receivers are notified of a new kind of alert all the same.
public struct IncidentPolicy: Sendable, Decodable {
    /// A finding whose labels of these names are equal to those of an open incident becomes its child; empty joins none.
    public var joinLabels = ["source"]
    /// Whether a finding with a line of evidence of an open incident becomes its child.
    public var joinsEvidence = false
    /// How long after the last event of an incident another finding still joins it.
    public var joinWithin = Duration.seconds(2 * 3600)
    /// How often the same incident may be opened within ``flapWithin``; after that it is reopened and stays open until it has
    /// been quiet for as long. 0 is without limit.
    public var flapCount = 5
    /// How long openings count for ``flapCount``, and how long a flapping incident must be quiet to end.
    public var flapWithin = Duration.seconds(3600)
    /// How long an incident is kept after its end; statistics are kept for ever.
    public var keep = Duration.seconds(400 * 86_400)
    /// What was over for longer when it was found notifies nobody. `alerting.notify_max_age`.
    public var notifyMaxAge = Duration.seconds(3600)

    var past: PastPolicy { PastPolicy(maxAge: notifyMaxAge, joinWithin: joinWithin) }

    /// The policy of a configuration that says nothing.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case joinLabels = "join"
        case joinsEvidence = "join_evidence"
        case joinWithin = "join_within"
        case flapCount = "flap_count"
        case flapWithin = "flap_within"
        case keep
    }

    /// Reads `alerting.incidents`.
    ///
    /// - Throws: `DecodingError` with a sentence for a key that cannot be.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        joinLabels = try container.decodeIfPresent([String].self, forKey: .joinLabels) ?? joinLabels
        joinsEvidence = try container.decodeIfPresent(Bool.self, forKey: .joinsEvidence) ?? false
        joinWithin = try container.duration(.joinWithin) ?? joinWithin
        flapCount = try container.decodeIfPresent(Int.self, forKey: .flapCount) ?? flapCount
        flapWithin = try container.duration(.flapWithin) ?? flapWithin
        keep = try container.duration(.keep) ?? keep
        guard keep >= .seconds(86_400) else {
            throw DecodingError.dataCorruptedError(
                forKey: .keep, in: container, debugDescription: "keep is shorter than a day; write such as 90d")
        }
        guard flapCount >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .flapCount, in: container,
                debugDescription: "flap_count is \(flapCount); write 0 for no limit, or a number such as 5")
        }
    }
}
