import Columns
import Detection
import Incidents

/// What rules found, one entry per group and session: as often as they would have opened an incident or joined one.
struct TrialFindings {
    struct Found {
        /// As it was reported last: the most that its rule saw.
        var finding: Finding
        /// The time of the event with which the rule first held.
        var at: Timestamp
    }

    private(set) var all: [Found] = []
    /// The places in ``all`` of the entries of each group.
    private var known: [Group: [Int]] = [:]

    struct Group: Hashable {
        let rule: String
        let labels: Labels
    }

    mutating func take(_ findings: [Finding]) {
        for finding in findings { take(finding) }
    }

    private mutating func take(_ finding: Finding) {
        let group = Group(rule: finding.name, labels: finding.labels), at = finding.completedAt ?? finding.lastSeen
        // The newest first: few findings are about a session that is over.
        guard let same = known[group]?.last(where: { Self.isSame(all[$0].finding, finding) }) else {
            known[group, default: []].append(all.count)
            all.append(Found(finding: finding, at: at))
            return
        }
        all[same] = Found(finding: finding, at: min(all[same].at, at))
    }

    /// Whether both are about the same session, or what lasts of a series.
    private static func isSame(_ known: Finding, _ next: Finding) -> Bool {
        if known.contributions.first?.usual != nil { return next.startsAt == known.startsAt }
        guard let session = known.session, let nextSession = next.session else { return false }
        return session.start <= next.lastSeen && nextSession.start <= known.lastSeen
    }

    /// Those that were found in a range of times, by time.
    func found(since: Timestamp, rules: Set<String>) -> [Found] {
        // The texts of labels are made once, not for each comparison.
        let found = all.filter { $0.at >= since && rules.contains($0.finding.name) }.map { ($0, $0.finding.labels.description) }
        return found.sorted { left, right in
            (left.0.at, left.0.finding.name, left.1) < (right.0.at, right.0.finding.name, right.1)
        }.map(\.0)
    }
}

extension TrialFindings.Found {
    /// What it is about, as matchers: its labels without those that all findings of its rule have.
    func subject(without constant: Labels) -> String {
        finding.labels.filter { constant[$0.key] == nil }
            .map { "\(Matcher.shown($0.key))=\(OutsideText($0.value).quotedLabel)" }.joined(separator: ", ")
    }
}

/// Findings of the rules in force by what they are about, to be compared with those of the rules that are tried.
struct TrialComparison {
    private let found: [TrialFindings.Found]
    private var byGroup: [TrialFindings.Group: [Int]] = [:]
    /// By rule, the labels that findings of both sides have.
    private let common: [String: Set<String>]
    /// Whether a finding in force has a partner.
    private var isTaken: [Bool]

    init(inForce: [TrialFindings.Found], tried: [TrialFindings.Found]) {
        func names(_ found: [TrialFindings.Found]) -> [String: Set<String>] {
            Dictionary(found.map { ($0.finding.name, Set($0.finding.labels.keys)) }) { first, _ in first }
        }
        common = names(inForce).merging(names(tried)) { $0.intersection($1) }
        found = inForce
        isTaken = Array(repeating: false, count: inForce.count)
        for (index, one) in inForce.enumerated() { byGroup[group(one.finding), default: []].append(index) }
    }

    private func group(_ finding: Finding) -> TrialFindings.Group {
        let common = common[finding.name] ?? []
        return .init(rule: finding.name, labels: Labels(finding.labels.filter { common.contains($0.key) }))
    }

    /// The finding in force that is about the same at the same time, or nil; it is the partner of no other one afterwards.
    mutating func partner(of one: TrialFindings.Found) -> TrialFindings.Found? {
        let near = one.finding.within ?? .zero
        let index = byGroup[group(one.finding)]?.first { index in
            let other = found[index].finding
            return !isTaken[index] && other.startsAt <= one.finding.lastSeen + near
                && one.finding.startsAt <= other.lastSeen + (other.within ?? .zero)
        }
        guard let index else { return nil }
        isTaken[index] = true
        return found[index]
    }

    /// Those in force that have no partner.
    var rest: [TrialFindings.Found] { found.indices.filter { !isTaken[$0] }.map { found[$0] } }
}
