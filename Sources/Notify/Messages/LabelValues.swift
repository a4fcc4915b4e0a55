import Columns
import Mustache

/// Labels as a template names them: `{{labels.severity}}`, and `{{labels.service.name}}` for a label whose name has dots,
/// although Mustache takes each dot for a step.
struct LabelValues: MustacheParent, MustacheCustomRenderable {
    private let labels: Labels
    /// The steps so far: `service.`.
    private let path: String

    init(_ labels: Labels, _ escape: (String) -> String) {
        self.labels = labels.mapValues(escape)
        path = ""
    }

    private init(_ labels: Labels, path: String) {
        self.labels = labels
        self.path = path
    }

    func child(named name: String) -> Any? {
        let whole = path + name, longer = LabelValues(labels, path: whole + ".")
        guard longer.labels.contains(where: { $0.key.utf8.starts(with: longer.path.utf8) }) else { return labels[whole] }
        return longer
    }

    /// The label of that name, if there is one.
    var renderText: String { labels[String(path.unicodeScalars.dropLast())] ?? "" }
    var isNull: Bool { !path.isEmpty && renderText.isEmpty }
}
