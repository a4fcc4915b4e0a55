import Columns
import Detection
import Logging
import Streaming
import Synchronization
import Telemetry

/// A risk model in production as a pipeline's `score` step asks it.
struct RiskScorer: RowScorer {
    let model: RiskModel

    /// The risk of each row; nil for all when a column that the model needs is missing.
    func scores(_ rows: Batch) -> [Double?] {
        // A stream that lacks a feature has no score; `obs check` cannot know which model will be in production.
        guard let scores = try? model.scores(rows) else { return [Double?](repeating: nil, count: rows.count) }
        return scores
    }

    fileprivate final class Cache: Sendable {
        /// By name; without a scorer where the file of the version is damaged.
        private let known = Mutex<[String: (version: Int, scorer: RiskScorer?)]>([:])
        private let health: HealthNotes
        private let logger: Logger?

        init(_ health: HealthNotes, _ logger: Logger?) {
            self.health = health
            self.logger = logger
        }

        func scorer(_ name: String, _ registry: ModelRegistry) -> RiskScorer? {
            guard let entry = try? registry.productionEntry(name) else { return nil }
            if let known = known.withLock({ $0[name] }), known.version == entry.version { return known.scorer }
            do {
                let scorer = try registry.production(name, as: RiskModel.self).map { RiskScorer(model: $0.model) }
                health.clear(.damagedFile, "model \(name)")
                known.withLock { $0[name] = (entry.version, scorer) }
                return scorer
            } catch {
                // A damaged file is as no model: rows are kept without a score, and it is said.
                health.note(.damagedFile, "model \(name)", "\(error); rows are kept without a score until then")
                logger?.error(
                    "a model cannot be used; rows are kept without a score", metadata: ["model": "\(name)", "error": "\(error)"])
                known.withLock { $0[name] = (entry.version, nil) }
                return nil
            }
        }
    }
}

extension Workspace {
    /// Gives the risk model of a name that is in production now; one that another process has trained or promoted meanwhile too.
    ///
    /// - Parameter health: notes models whose files are damaged, which score nothing until they are mended.
    public func scorers(health: HealthNotes = HealthNotes(), _ logger: Logger? = nil) -> ScorerProvider {
        let cache = RiskScorer.Cache(health, logger), models = models
        return { name in cache.scorer(name, models) }
    }
}
