import Columns
import Configuration
import Detection

/// Trains models of windows anew when their settings say so. A new version is a challenger; where the settings let it, it becomes
/// the champion once it is not worse on windows that neither was trained on.
public struct ModelRetraining: Sendable {
    /// What was done with one model.
    public struct Outcome: Sendable {
        /// The new version.
        public let entry: ModelRegistry.Entry
        /// How long training took.
        public let took: Duration
        /// Why it did not become the champion by itself; nil when it did.
        public let reasonAgainst: String?
    }

    private let workspace: Workspace

    /// For the models of a data directory.
    public init(_ workspace: Workspace) {
        self.workspace = workspace
    }

    /// Trains one model if it is due. A model without any version waits for its first windows to train it.
    ///
    /// - Throws: `ModelError`, such as for too few windows.
    public func round(_ settings: WindowSettings, now: Timestamp) throws -> Outcome? {
        guard let retraining = settings.retraining,
            let newest = try workspace.models.list().first(where: { $0.name == settings.model }),
            retraining.isDue(after: newest.trainedAt, now: now)
        else { return nil }
        let start = ContinuousClock.now, ranges = retraining.ranges(now: now)
        let windows = ModelWindows(workspace: workspace, settings: settings)
        let training = try windows.training(ranges.training).windows
        guard
            let model = WindowModel(
                table: settings.table, windows: training, features: settings.features, algorithm: settings.algorithm, now: now)
        else {
            throw ModelError.tooFewWindows(table: "gold." + settings.table, count: training.reduce(0) { $0 + $1.count })
        }
        let entry = try workspace.models.save(
            model, name: settings.model, alias: ModelRegistry.challenger, tags: ["trained_by": "schedule"])
        let took = ContinuousClock.now - start
        let reason = try reasonAgainst(model, windows, ranges.heldBack, retraining)
        try workspace.models.setTag("promotion", of: entry, to: reason ?? "not worse than the champion on held-back windows")
        if reason == nil {
            try workspace.models.setAlias(
                ModelRegistry.champion, of: settings.model, to: entry.version, actor: "obs", now: now)
        }
        return Outcome(
            entry: try workspace.models.entry(settings.model, at: String(entry.version)) ?? entry, took: took,
            reasonAgainst: reason)
    }

    private func reasonAgainst(
        _ model: WindowModel, _ windows: ModelWindows, _ range: ClosedRange<Timestamp>, _ retraining: Retraining
    ) throws -> String? {
        guard retraining.promotesByRule else { return "it is promoted by hand" }
        let champion: WindowModel
        do {
            guard let found = try workspace.models.model(windows.settings.model) else { return "there is no champion" }
            champion = found.model
        } catch {
            return "the champion cannot be read"
        }
        let qualities = try ModelComparison(windows: windows).qualities(of: [model, champion], on: range)
        return qualities[0].reasonAgainst(qualities[1])
    }
}
