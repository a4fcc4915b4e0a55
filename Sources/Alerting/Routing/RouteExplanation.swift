import Columns
import Incidents

extension Route {
    /// Where an alert goes, and why there.
    public struct Explanation: Sendable {
        /// Its name.
        public let receiver: String
        /// The matchers on the way from the root, such as `{}/{team="a"}`.
        public let path: String
        /// The group of the receiver that the alert joins.
        public let groupKey: String
        /// The reason for each step from the root, for a person.
        public let why: String
    }

    /// The receivers of an alert with these labels, in the order in which they are found, each with the reason: as
    /// ``destinations(for:)`` walks.
    public func explain(_ labels: Labels) -> [Explanation] {
        settled.walk(labels, [])
    }

    private func walk(_ labels: Labels, _ way: [String]) -> [Explanation] {
        var found: [Explanation] = []
        var way = way
        for (index, child) in routes.enumerated() {
            guard child.matchers.match(labels) else { continue }
            let matchers =
                child.matchers.isEmpty
                ? "it has no matchers" : child.matchers.map(\.description).joined(separator: ", ") + " matches"
            found += child.walk(labels, way + [matchers])
            if !child.continues { break }
            if index < routes.count - 1 { way.append("the route before has continue: true") }
        }
        guard found.isEmpty else { return found }
        let last = routes.isEmpty ? [] : ["no route below matches"]
        let reasons = way + last
        return [
            Explanation(
                receiver: receiver ?? "", path: path, groupKey: groupKey(groupLabels(of: labels)),
                why: reasons.isEmpty ? "the root takes every alert" : reasons.joined(separator: "; "))
        ]
    }
}
