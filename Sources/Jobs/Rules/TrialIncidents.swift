import Columns
import Detection
import Incidents
import Query

/// The incidents of the past by what they are about: which of them a finding would have joined, and what people made of them.
struct TrialIncidents {
    private let incidents: [JudgedIncident]
    private let policy: IncidentPolicy
    /// By the values of the labels by which incidents are joined.
    private var byJoin: [[String]: [Int]] = [:]
    /// By name and labels.
    private var byGroup: [TrialFindings.Group: [Int]] = [:]
    /// Whether a finding would have joined it.
    private var isFound: [Bool]

    init(_ incidents: [JudgedIncident], _ policy: IncidentPolicy) {
        self.incidents = incidents
        self.policy = policy
        isFound = Array(repeating: false, count: incidents.count)
        for (index, incident) in incidents.enumerated() {
            if let values = Self.values(of: policy.joinLabels, incident.labels) { byJoin[values, default: []].append(index) }
            // An incident has the host of its evidence as a label where its rule has none.
            var labels = incident.labels
            for name in ["mode", "host"] {
                labels[name] = nil
                byGroup[.init(rule: incident.name, labels: labels), default: []].append(index)
            }
        }
    }

    /// Nil when one has no value, or there are none.
    private static func values(of names: [String], _ labels: Labels) -> [String]? {
        let values = names.compactMap { labels[$0] }
        return names.isEmpty || values.count < names.count || values.contains("") ? nil : values
    }

    /// What a finding would have joined.
    struct Joined {
        /// Of the incident, or of its parent.
        var number: Int64
        var verdict: JudgedIncident.Verdict?
        /// When the incident was opened; nil when that says nothing of how fast it was found.
        var openedAt: Timestamp?
    }

    /// The incident that a finding would have joined: one of its own rule first, then the first with equal labels of those by
    /// which incidents are joined.
    mutating func joined(by finding: Finding) -> Joined? {
        let own = (byGroup[.init(rule: finding.name, labels: finding.labels)] ?? []).filter { isNear($0, finding) }
        let others = (Self.values(of: policy.joinLabels, finding.labels).flatMap { byJoin[$0] } ?? []).filter {
            isNear($0, finding)
        }
        for index in own + others { isFound[index] = true }
        guard let first = own.first ?? others.first else { return nil }
        let judged = (own + others).first { incidents[$0].verdict != nil }
        let incident = incidents[first]
        let opened = (own + others).map { incidents[$0] }.filter { !$0.isOfThePast }.map(\.openedAt).min()
        return Joined(
            number: incident.parent ?? incident.number, verdict: judged.flatMap { incidents[$0].verdict }, openedAt: opened)
    }

    private func isNear(_ index: Int, _ finding: Finding) -> Bool {
        incidents[index].startsAt <= finding.lastSeen + policy.joinWithin
            && finding.startsAt - policy.joinWithin <= incidents[index].lastSeen
    }

    /// How many incidents of a rule with that verdict no finding would have joined.
    func count(of rule: String, _ verdict: JudgedIncident.Verdict, in range: ClosedRange<Timestamp>) -> Int {
        incidents.indices.count { index in
            let one = incidents[index]
            return one.name == rule && one.verdict == verdict && !isFound[index] && one.startsAt <= range.upperBound
                && one.lastSeen >= range.lowerBound
        }
    }
}
