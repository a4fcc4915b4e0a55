import Columns
import Detection

/// One step in the life of an incident, as ``IncidentLife`` decides it.
struct LifeChange: Equatable {
    /// Whom it happens to.
    enum Subject: Equatable {
        case incident(Int64)
        /// The incident that the ``Step/open(_:)`` of the same decision makes, whose number only the store knows.
        case opened
    }

    enum Step: Equatable {
        // Written by the ledger: incident, evidence, timeline.
        case open(Opening)
        case join(Joining)
        /// Adds lines; with a session they take the place of the lines within it, because what comes late may make others its
        /// first and last ones.
        case evidence([Evidence], of: ClosedRange<Timestamp>?)
        /// It becomes more severe; a parent incident because of a child, which leaves its own labels as they are.
        case raise(to: Severity, labels: Labels?)
        case resolve(as: Incident.Resolution, at: Timestamp, by: String?)
        /// Nobody has it then. One that a person reopens is ended by a person.
        case reopen(byHand: Bool)
        /// It goes on after all: what was found in the past is opened.
        case revive
        /// Set when it comes back by itself: how it ends from now on.
        case end(byHand: Bool, quietFor: Duration?)
        /// Only a person ends it from now on.
        case endByHand
        /// With its children; the first acknowledgement is the one whose time is kept.
        case acknowledge(by: String)
        case handBack
        /// A child takes over that somebody has its parent.
        case takeOver(by: String?)
        case assign(to: String?)
        /// It becomes a child, with all its own children.
        case attach(to: Int64, because: String)
        /// It stops being a child.
        case detach
        /// A parent takes over what one of its children has seen.
        case grow(Growth)
        /// Its parent shows what its worst child says.
        case tellParent(Int64)
        case note(TimelineKind, String)
        /// Both timelines say that it became a child.
        case noteAttached(to: Int64, title: String, because: String)

        // Follows for alerts, notifications and escalations.
        case fire(Labels, since: Timestamp)
        /// The alerts that it had fire again in the groups that they were in.
        case fireAgain
        /// An alert with other labels takes the place of those that fire.
        case relabel(Labels, since: Timestamp)
        case endAlerts
        /// Its group makes another incident when an alert comes in.
        case leaveGroup
        case repeatNotifications
        case lookAtEscalation
        case holdEscalation
        case resumeEscalation
        /// Those whom the escalation of its parent has reached hear of its alerts.
        case followEscalation
        /// It is to be in a summary, or no longer.
        case summarize(Bool)
    }

    var subject: Subject
    var actor: String
    var step: Step

    init(_ subject: Subject, by actor: String = LifeChange.obs, _ step: Step) {
        self.subject = subject
        self.actor = actor
        self.step = step
    }

    init(_ number: Int64, by actor: String = LifeChange.obs, _ step: Step) { self.init(.incident(number), by: actor, step) }

    /// Who acts when it is not a person.
    static let obs = "obs"
}

/// What an incident begins with.
struct Opening: Equatable {
    var fingerprint: String
    var name: String
    var detector: String
    var severity: Severity
    var title: String
    var description: String
    var labels: Labels
    var startsAt: Timestamp
    var lastSeen: Timestamp
    var count: Int
    var contributions: [FeatureContribution] = []
    var end: EndPolicy
    /// Nil for posted alerts, which are counted as they come.
    var lines: LineCount?
    var within: Duration?
    /// It had been over for long when it was found, so it is resolved at once.
    var isPast = false
    var mergedInto: Int64?
}

/// What an incident learns from one more finding, or from alerts that join it.
struct Joining: Equatable {
    var lastSeen: Timestamp
    /// How many events: the most at a time for findings; for posted alerts how many more.
    var count: Int
    /// Set for findings.
    var ofFinding: OfFinding?
    /// Set for posted alerts: the labels that all of them have, and since when the first fires.
    var ofAlerts: OfAlerts?

    struct OfFinding: Equatable {
        /// The words of the worst that was seen; nil when another was worse.
        var words: Words?
        var end: EndPolicy
        var within: Duration?
        var lines: LineCount
        /// Earlier than before when an event came late.
        var startsAt: Timestamp
    }

    struct Words: Equatable {
        var title: String
        var description: String
    }

    struct OfAlerts: Equatable {
        var labels: Labels
        var startsAt: Timestamp
    }
}

/// What a child brings to its parent.
struct Growth: Equatable {
    /// How many events more it stands for.
    var events: Int
    var lines: LineCount
    var lastSeen: Timestamp
}
