import Columns
import Foundation

/// One step of an input or stream: a ``Stage`` of any kind. In a file it is a mapping with one key, which says the kind.
public struct Step: Sendable, Decodable {
    var stage: any Stage

    init(_ stage: any Stage) {
        self.stage = stage
    }

    private struct StageKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads a mapping with one key.
    ///
    /// - Throws: when the key names no stage, or the stage refuses its value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: StageKey.self)
        // Each key is asked for, so that a step with two of them is distinguished from one with an unknown key.
        let given = Stages.all.filter { container.contains(StageKey(stringValue: $0.key)) }
        guard given.count == 1 else {
            let known = Stages.all.map { $0.key }.joined(separator: ", ")
            throw DefinitionError.bad(
                "a step has \(given.isEmpty ? "none" : "several") of the keys \(known); write each as a step of its own")
        }
        stage = try container.decode(given[0], forKey: StageKey(stringValue: given[0].key))
    }
}

extension Step: Hashable {
    /// Equal when kind and settings are.
    public static func == (left: Step, right: Step) -> Bool {
        func isEqual<Kind: Stage>(_ stage: Kind) -> Bool { stage == right.stage as? Kind }
        return isEqual(left.stage)
    }

    /// Of the settings.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(stage)) }
}
