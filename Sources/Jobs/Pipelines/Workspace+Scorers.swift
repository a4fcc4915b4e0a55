import Columns
import Detection
import Logging
import Streaming
import Synchronization
import Telemetry

extension Workspace {
    /// Gives the risk model that is the champion of a name now, also one that another process has trained or chosen meanwhile.
    ///
    /// - Parameters:
    ///   - health: notes models whose files are damaged, which score nothing until they are mended.
    ///   - metrics: show how far the rows are from the training of the model.
    public func scorers(
        health: HealthNotes = HealthNotes(), metrics: MetricsRegistry = MetricsRegistry(), _ logger: Logger? = nil
    ) -> ScorerProvider {
        let models = RiskModelCache(models, health, logger), drift = DriftGauges(metrics)
        return { name in
            guard let model = models.model(name) else { return nil }
            // A stream that lacks a feature has no score; `obs check` cannot know which model will be champion.
            return { rows in
                guard let scores = try? model.scores(rows) else { return [Double?](repeating: nil, count: rows.count) }
                if let found = model.drift {
                    drift.show(name, alias: ModelRegistry.champion, found.features, scores: found.scores)
                }
                return scores
            }
        }
    }
}

/// The risk models that pipelines ask for, each read once per version.
private final class RiskModelCache: Sendable {
    /// By name; without a model where the file of the version is damaged.
    private let known = Mutex<[String: (version: Int, model: RiskModelInUse?)]>([:])
    private let registry: ModelRegistry
    private let health: HealthNotes
    private let logger: Logger?

    init(_ registry: ModelRegistry, _ health: HealthNotes, _ logger: Logger?) {
        self.registry = registry
        self.health = health
        self.logger = logger
    }

    func model(_ name: String) -> RiskModelInUse? {
        guard let entry = try? registry.entry(name) else { return nil }
        if let known = known.withLock({ $0[name] }), known.version == entry.version { return known.model }
        do {
            let model = try registry.model(name, as: RiskModel.self).map { RiskModelInUse($0.model) }
            health.clear(.damagedFile, "model \(name)")
            known.withLock { $0[name] = (entry.version, model) }
            return model
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
