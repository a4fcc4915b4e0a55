import Columns
import Foundation

/// The exceptions by history of all rules of a pipeline. Rules that make the same exception share what is remembered for it: it
/// follows from the rows alone, and not from the rule.
final class SeenExceptions {
    private struct Member {
        let source: RowSource
        var exception: SeenException
        /// The names of the rules that make it.
        var rules: [String]
        /// The steps of those rules: only of their rows it is asked.
        var steps: [[[Matcher]]]

        /// Equal for exceptions whose state means the same: how long it counts may differ.
        var identity: String { "\(source) \(exception.exception.identity)" }
    }

    private var members: [Member] = []
    private var newest = Int64.min

    init(_ rules: [DetectionRule], lateness: Duration) {
        for rule in rules {
            for seen in rule.seen {
                let steps = rule.steps.map(\.match)
                if let known = members.firstIndex(where: { $0.source == rule.rows && $0.exception.exception == seen }) {
                    members[known].rules.append(rule.name)
                    if !members[known].steps.contains(steps) { members[known].steps.append(steps) }
                } else {
                    members.append(
                        Member(
                            source: rule.rows, exception: SeenException(seen, lateness: lateness), rules: [rule.name],
                            steps: [steps]))
                }
            }
        }
    }

    /// Takes in rows, and notes in them which are excepted. Before any rule looks at them.
    func observe(_ rows: DetectorRows, of source: RowSource) {
        newest = max(newest, max(-RuleShape.maxTime, min(RuleShape.maxTime, rows.newest)))
        for index in members.indices where members[index].source == source {
            var asked = [Bool](repeating: false, count: rows.count)
            for steps in members[index].steps {
                for row in rows.selection(steps) { asked[Int(row)] = true }
            }
            let seen = members[index].exception.exception
            if let known = members[index].exception.observe(rows, asked: asked) { rows.known[seen] = known }
        }
    }

    /// Forgets what no row can reach any more that comes in time.
    func forget() {
        guard newest > .min else { return }
        for index in members.indices { members[index].exception.forget(before: newest) }
    }

    /// What is remembered for the exceptions of which a rule is the first to make them, so that the sum over all rules is right.
    func figures(of rule: String) -> (keys: Int, bytes: Int) {
        let own = members.filter { $0.rules[0] == rule }
        return (own.reduce(0) { $0 + $1.exception.count }, own.reduce(0) { $0 + $1.exception.bytes })
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        forget()
        writer.write(newest)
        writer.write(members.count)
        for member in members {
            writer.write(member.identity)
            var state = StateWriter()
            member.exception.encode(to: &state)
            writer.write(Array(state.data))
        }
    }

    /// An exception that looks at other rows than any in the snapshot begins anew.
    func decode(from reader: inout StateReader) throws {
        let time = try reader.int64()
        guard time == .min || time.magnitude <= RuleShape.maxTime.magnitude else { throw StateReader.Damaged() }
        newest = time
        var states: [(identity: String, state: Data)] = []
        for _ in 0..<(try reader.count()) { states.append((try reader.string(), Data(try reader.array()))) }
        for index in members.indices {
            guard let known = states.firstIndex(where: { $0.identity == members[index].identity }) else { continue }
            var state = StateReader(states[known].state)
            try members[index].exception.decode(from: &state)
            guard state.isAtEnd else { throw StateReader.Damaged() }
            // Two may differ by how long they remember alone.
            states.remove(at: known)
        }
    }
}

extension DetectionRule {
    /// Its exceptions by history.
    var seen: [Seen] {
        exceptions.compactMap {
            guard case .seen(let seen) = $0 else { return nil }
            return seen
        }
    }
}

extension DetectionRule.Seen {
    /// Equal for two that look at the same rows: times may differ.
    var identity: String {
        let unless = unless.map { "\($0.match.map(\.description)) \($0.by) \($0.count)" } ?? ""
        return "\(match.map(\.description)) \(by) \(unless)"
    }
}
