import Columns
import Incidents

/// Who is told, one after the other, while nobody acknowledges an incident. The first policy whose matchers hold for an incident is its policy.
public struct EscalationPolicy: Sendable, Decodable {
    public var matchers: [Matcher] = []
    /// In the order of their delays.
    public var steps: [Step]

    /// After so long without an acknowledgement, somebody else is told.
    public struct Step: Sendable, Decodable {
        public enum Target: Sendable, Equatable {
            case receiver(String)
            /// Whoever has the turn of this schedule then; a receiver has the person's name.
            case schedule(String)
        }

        public var after: Duration
        public var target: Target

        private enum CodingKeys: String, CodingKey { case after, receiver, schedule }

        public init(after: Duration, target: Target) {
            self.after = after
            self.target = target
        }

        public init(from decoder: any Decoder) throws {
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

    public init(matchers: [Matcher] = [], steps: [Step]) {
        self.matchers = matchers
        self.steps = steps
    }

    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        matchers = try (keys.decodeIfPresent([String].self, forKey: .matchers) ?? []).flatMap { try [Matcher](parsing: $0) }
        steps = try keys.decode([Step].self, forKey: .steps)
        guard !steps.isEmpty, zip(steps, steps.dropFirst()).allSatisfy({ $0.after <= $1.after }) else {
            throw AlertingError.badOnCall(
                "an escalation has \(steps.isEmpty ? "no steps" : "a step that comes before the one above it"); write them in their order"
            )
        }
    }
}

/// A time in which nobody is told of what is worked on: incidents are kept, and told when it has ended if they are still open.
public struct MaintenanceWindow: Sendable, Decodable {
    public var matchers: [Matcher]
    public var from: Timestamp
    public var until: Timestamp
    public var comment: String

    private enum CodingKeys: String, CodingKey { case matchers, from, until, comment }

    public init(matchers: [Matcher], from: Timestamp, until: Timestamp, comment: String = "") {
        self.matchers = matchers
        self.from = from
        self.until = until
        self.comment = comment
    }

    public init(from decoder: any Decoder) throws {
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
