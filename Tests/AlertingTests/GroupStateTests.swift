import Columns
import Incidents
import Testing

@testable import Alerting

/// The heart of deduplication: whether a receiver is notified of a group, of what, and what it knows afterwards.
struct `The state of a group` {
    typealias Member = GroupState.Member

    /// A member in short: `F` firing or `R` resolved; then what the receiver knows, `f` firing, `h` hidden or `-` nothing; then
    /// `m` muted, `a` acknowledged, `x` missed.
    private static func member(_ text: Substring, _ id: Int64) -> Member {
        let letters = Array(text)
        var member = Member(
            alert: id, isFiring: letters[0] == "F", notified: letters[1] == "f" ? .firing : letters[1] == "h" ? .hidden : nil)
        member.isMuted = letters.contains("m")
        member.isAcknowledged = letters.contains("a")
        member.isMissed = letters.contains("x")
        return member
    }

    private static func state(
        _ members: String, wasNotified: Bool = true, sendsResolved: Bool = true, isRepeatDue: Bool = false
    ) -> GroupState {
        GroupState(
            members: members.split(separator: " ").enumerated().map { member($1, Int64($0)) }, wasNotified: wasNotified,
            sendsResolved: sendsResolved, isRepeatDue: isRepeatDue)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var why: String
        var members: String
        var wasNotified = true
        var sendsResolved = true
        var isRepeatDue = false
        var reason: String?
        var testDescription: String { why }
    }

    static let cases: [Case] = [
        .init(why: "an empty group", members: "", reason: nil),
        .init(why: "a first alert", members: "F-", wasNotified: false, reason: "firing"),
        .init(why: "a new alert beside one that is known", members: "Ff F-", reason: "firing"),
        .init(why: "nothing new", members: "Ff Ff", reason: nil),
        .init(why: "nothing new, and it is time to repeat", members: "Ff", isRepeatDue: true, reason: "firing"),
        .init(why: "a repetition of what is acknowledged", members: "Ffa", isRepeatDue: true, reason: nil),
        .init(why: "a repetition of which a part is acknowledged", members: "Ffa Ff", isRepeatDue: true, reason: "firing"),
        .init(why: "a new alert that is acknowledged already", members: "F-a", reason: "firing"),
        .init(why: "one resolved, one firing", members: "Rf Ff", reason: "ended"),
        .init(why: "one resolved, one firing, no send_resolved", members: "Rf Ff", sendsResolved: false, reason: nil),
        .init(why: "all resolved", members: "Rf Rf", reason: "ended"),
        .init(
            why: "all resolved, no send_resolved: the integrations decide", members: "Rf", sendsResolved: false, reason: "ended"),
        .init(why: "resolved before anybody was notified", members: "R-", wasNotified: false, reason: nil),
        .init(why: "resolved before anybody was notified, beside known ones", members: "R- Ff", reason: "ended"),
        .init(why: "a new alert that is muted", members: "F-m", wasNotified: false, reason: nil),
        .init(why: "a known alert that is muted", members: "Ffm", isRepeatDue: true, reason: nil),
        .init(why: "an end that is muted", members: "Rfm", reason: nil),
        .init(why: "a new alert beside a muted one", members: "Ffm F-", reason: "firing"),
        .init(why: "an alert that comes out of a silence, left out meanwhile", members: "Fh Ff", reason: "firing"),
        .init(why: "an end of an alert that was left out meanwhile", members: "Rh", reason: "ended"),
        .init(
            why: "an alert that began and ended while the receiver was away", members: "R-x", wasNotified: false, reason: "firing"
        ),
        .init(why: "a missed alert beside a known one", members: "R-x Ff", reason: "firing"),
    ]

    @Test(arguments: cases)
    func `says whether the receiver is notified, and why`(one: Case) {
        let state = Self.state(
            one.members, wasNotified: one.wasNotified, sendsResolved: one.sendsResolved, isRepeatDue: one.isRepeatDue)
        #expect(state.reason?.rawValue == one.reason)
    }

    /// What is known of each member afterwards: `f`, `h`, `-`, or `.` for one that leaves the group.
    @Test(arguments: [
        ("F-", true, "f"), ("F-", false, "-"), ("Ff", true, "f"), ("Ff", false, "f"), ("Fh", true, "f"), ("Fh", false, "h"),
        ("Rf", true, "."), ("Rf", false, "."), ("R-", true, "."), ("R-", false, "."),
        ("R-x", true, "f"), ("R-x", false, "-"),
        ("F-m", true, "-"), ("F-m", false, "-"), ("Ffm", true, "h"), ("Ffm", false, "f"), ("Fhm", true, "h"),
        ("R-m", true, "."), ("Rfm", true, "h"), ("Rfm", false, "f"), ("Rhm", true, "h"),
    ])
    func `knows of each alert what the receiver knows, and lets it go when it has been resolved`(
        member: String, isNotified: Bool, expected: String
    ) {
        let after = Self.state(member).after(notifying: isNotified)
        #expect(after.count == 1)
        let got = after.first.map { $0.state.map { $0 == .firing ? "f" : $0 == .hidden ? "h" : "-" } ?? "." }
        #expect(got == expected)
    }

    /// Whatever happens, a receiver that was notified of nothing new has nothing to be notified of at once again.
    @Test func `has no reason twice: after a notification nothing is new`() {
        let all = ["F-", "Ff", "Fh", "F-m", "Ffm", "Fhm", "F-a", "Ffa", "Rf", "Rfm", "R-", "Rh", "Rhm"]
        for first in all {
            for second in all {
                let state = Self.state("\(first) \(second)")
                let isNotified = state.reason != nil
                let left = zip(state.members, state.after(notifying: isNotified)).compactMap { member, after -> Member? in
                    guard case .some(let notified) = after.state else { return nil }
                    var member = member
                    member.notified = notified
                    return member
                }
                var next = state
                next.members = left
                #expect(next.reason == nil, "\(first) \(second)")
            }
        }
    }
}
