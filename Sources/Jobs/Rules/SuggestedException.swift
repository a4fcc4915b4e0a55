import Columns
import Detection
import Query

/// The entry of `except:` that would have prevented the most false positives of a rule, and no incident that was right.
struct SuggestedException: Equatable {
    /// An entry of the list under `except:`, in YAML's flow style.
    let yaml: String
    /// How many of the false positives it would have prevented.
    let prevented: Int

    /// Fewer are chance.
    private static let least = 2

    /// What an entry leaves out.
    private enum Candidate: Hashable {
        case value(column: String, String)
        case network(column: String, IPNetwork)

        /// Whether an incident has rows that it leaves out.
        func holds(_ labels: Labels) -> Bool {
            switch self {
            case .value(let column, let value): labels[column]?.hasSameBytes(as: value) ?? false
            case .network(let column, let network):
                labels[column].flatMap { IPAddress($0) }.map(network.contains)
                    ?? (labels[column + "_net"]?.hasSameBytes(as: network.description) ?? false)
            }
        }

        /// What says less is chosen when both prevent as much.
        var breadth: Int { if case .network = self { 1 } else { 0 } }

        var yaml: String {
            switch self {
            case .value(let column, let value):
                quoted("\(Matcher.shown(column))=\(OutsideText(value).quotedLabel)")
            case .network(let column, let network): "{ column: \(quoted(column)), values: [\(quoted(network.description))] }"
            }
        }

        /// In single quotes, in which YAML reads everything as it is; in double quotes what could not be written so.
        private func quoted(_ text: String) -> String {
            guard text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
                return OutsideText(JSONText.quote(text)).visibleJSON
            }
            return "'\(text.replacing("'", with: "''"))'"
        }
    }

    private init(_ candidate: Candidate, prevented: Int) {
        yaml = candidate.yaml
        self.prevented = prevented
    }

    /// - Parameter incidents: of any rules.
    /// - Returns: nil when the false positives have nothing in common that the incidents that were right do not have.
    static func best(for rule: DetectionRule, _ incidents: [JudgedIncident]) -> SuggestedException? {
        let own = incidents.filter { $0.name == rule.name }
        let wrong = own.filter { $0.verdict == .wrong }.map(\.labels), right = own.filter { $0.verdict == .right }.map(\.labels)
        var counts: [Candidate: Int] = [:]
        for labels in wrong { for candidate in candidates(rule, labels) { counts[candidate, default: 0] += 1 } }
        let useful = counts.filter { candidate, count in count >= least && !right.contains(where: candidate.holds) }
        let best = useful.max { left, right in
            (left.value, -left.key.breadth, right.key.yaml) < (right.value, -right.key.breadth, left.key.yaml)
        }
        return best.map { SuggestedException($0.key, prevented: $0.value) }
    }

    private static func candidates(_ rule: DetectionRule, _ labels: Labels) -> Set<Candidate> {
        var candidates: Set<Candidate> = []
        for column in rule.labelColumns {
            guard let value = labels[column.label], !value.isEmpty else { continue }
            if column.isNetwork {
                if let network = IPNetwork(value) { candidates.insert(.network(column: column.column, network)) }
                continue
            }
            candidates.insert(.value(column: column.column, value))
            if let address = IPAddress(value) {
                candidates.insert(.network(column: column.column, IPNetwork(around: address)))
            }
        }
        return candidates
    }
}
