import Columns
import Detection
import Streaming
import Synchronization

/// A risk model in production as a pipeline's `score` step asks it.
struct RiskScorer: RowScorer {
    let model: RiskModel

    func scores(_ rows: Batch) -> [Double?] {
        // A stream that lacks a feature has no score; `obs check` cannot know which model will be in production.
        guard let scores = try? model.scores(rows) else { return [Double?](repeating: nil, count: rows.count) }
        return scores
    }

    /// Gives the model of a name that is in production now; one that another process has trained or promoted meanwhile too.
    static func provider(_ registry: ModelRegistry) -> ScorerProvider {
        let cache = Cache()
        return { name in cache.scorer(name, registry) }
    }

    private final class Cache: Sendable {
        private let known = Mutex<[String: (version: Int, scorer: RiskScorer)]>([:])

        func scorer(_ name: String, _ registry: ModelRegistry) -> RiskScorer? {
            guard let entry = try? registry.productionEntry(name) else { return nil }
            if let known = known.withLock({ $0[name] }), known.version == entry.version { return known.scorer }
            // A damaged file is as no model: rows are kept without a score, and `obs model list` and the log of `obs check` say more.
            guard let loaded = try? registry.production(name, as: RiskModel.self) else { return nil }
            let scorer = RiskScorer(model: loaded.model)
            known.withLock { $0[name] = (entry.version, scorer) }
            return scorer
        }
    }
}
