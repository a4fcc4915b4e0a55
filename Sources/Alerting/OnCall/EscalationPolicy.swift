import Columns
import Incidents

/// Who is notified, one after the other, while nobody acknowledges an incident. The first policy whose matchers match an incident
/// is its policy.
///
/// A value without clock and store.
struct EscalationPolicy: Sendable, Decodable {
    /// Which incidents it is for; empty matches all.
    var matchers: [Matcher] = []
    /// In the order of their delays.
    var steps: [Step]

    /// Whom to notify after some time without an acknowledgement.
    struct Step: Sendable, Decodable {
        /// Whom a step notifies.
        enum Target: Sendable, Equatable {
            /// The receiver of this name.
            case receiver(String)
            /// Whoever is on call by this schedule at that time; the person's name is that of a receiver.
            case schedule(String)
        }

        /// The time since the incident was opened.
        var after: Duration
        /// Whom it notifies.
        var target: Target

        private enum CodingKeys: String, CodingKey { case after, receiver, schedule }

        /// A step as a configuration file has it.
        init(after: Duration, target: Target) {
            self.after = after
            self.target = target
        }

        /// Reads a step: `after`, and either `receiver` or `schedule`.
        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            guard let delay = try keys.duration(.after) else {
                throw AlertingError.badOnCall("a step of an escalation has no 'after'; write such as 15m")
            }
            after = delay
            let receiver = try keys.decodeIfPresent(String.self, forKey: .receiver)
            let schedule = try keys.decodeIfPresent(String.self, forKey: .schedule)
            switch (receiver, schedule) {
            case (let name?, nil): target = .receiver(name)
            case (nil, let name?): target = .schedule(name)
            default: throw AlertingError.badOnCall("a step of an escalation names a 'receiver' or a 'schedule', one of the two")
            }
        }
    }

    private enum CodingKeys: String, CodingKey { case matchers, steps }

    /// A policy as a configuration file has it.
    init(matchers: [Matcher] = [], steps: [Step]) {
        self.matchers = matchers
        self.steps = steps
    }

    /// Reads a policy whose steps are in the order of their delays.
    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        matchers = try (keys.decodeIfPresent([String].self, forKey: .matchers) ?? []).flatMap { try [Matcher](parsing: $0) }
        steps = try keys.decode([Step].self, forKey: .steps)
        guard !steps.isEmpty, zip(steps, steps.dropFirst()).allSatisfy({ $0.after <= $1.after }) else {
            throw AlertingError.badOnCall(
                """
                an escalation has \(steps.isEmpty ? "no steps" : "a step that comes before the one above it"); write them \
                in their order
                """
            )
        }
    }
}

/// A time of maintenance in which matching alerts are muted: their incidents are recorded, and receivers are notified afterwards
/// if they are still open.
struct MaintenanceWindow: Sendable, Decodable {
    /// Matches the alerts that are muted.
    var matchers: [Matcher]
    /// Its first moment.
    var from: Timestamp
    /// The first moment after it.
    var until: Timestamp
    /// What is done, for people.
    var comment: String

    private enum CodingKeys: String, CodingKey { case matchers, from, until, comment }

    /// A window as a configuration file has it.
    init(matchers: [Matcher], from: Timestamp, until: Timestamp, comment: String = "") {
        self.matchers = matchers
        self.from = from
        self.until = until
        self.comment = comment
    }

    /// Reads a window, which must have matchers and end after its start.
    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        matchers = try keys.decode([String].self, forKey: .matchers).flatMap { try [Matcher](parsing: $0) }
        from = try keys.time(.from)
        until = try keys.time(.until)
        comment = try keys.decodeIfPresent(String.self, forKey: .comment) ?? ""
        guard !matchers.isEmpty else {
            throw AlertingError.badOnCall("a maintenance window has no matchers; say what is worked on")
        }
        guard from < until else {
            throw AlertingError.badOnCall("a maintenance window ends at \(until), not after its start at \(from)")
        }
    }

    func holds(for labels: Labels, at now: Timestamp) -> Bool { from <= now && now < until && matchers.match(labels) }
}
