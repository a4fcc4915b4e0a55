import Columns
import Mustache

/// Labels as a template asks for them, by their names: `{{labels.severity}}`, and `{{labels.service.name}}` for one whose name has dots, although Mustache takes each dot for a step.
struct LabelValues: MustacheParent, MustacheCustomRenderable {
    private let labels: Labels
    /// What the steps so far have named: `service.`.
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

    /// The label that the steps have named, if there is one.
    var renderText: String { labels[String(path.unicodeScalars.dropLast())] ?? "" }
    var isNull: Bool { !path.isEmpty && renderText.isEmpty }
}
