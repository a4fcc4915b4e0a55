import Detection
import Telemetry

/// How far what models see is from their training: population stability indices, of models of windows and of risk.
struct DriftGauges: Sendable {
    private let features: GaugeFamily
    private let scores: GaugeFamily

    init(_ metrics: MetricsRegistry) {
        features = metrics.gauge(
            "obs_model_feature_drift", help: "Population stability index of a feature against the training of the champion.",
            labels: ["model", "feature"])
        scores = metrics.gauge(
            "obs_model_score_drift", help: "Population stability index of scores against the training of the version.",
            labels: ["model", "alias"])
    }

    func show(_ model: String, alias: String, _ indices: [(feature: String, index: Double)], scores index: Double) {
        scores[model, alias].set(index)
        guard alias == ModelRegistry.champion else { return }
        for (feature, index) in indices { features[model, feature].set(index) }
    }
}
