import Columns

extension DetectionRule {
    /// Whether it has exceptions.
    public var hasExceptions: Bool { !exceptions.isEmpty }

    /// What it looks for, as a person reads it: the key of its entry, and what is under it in words.
    public var facts: [(String, String)] {
        var facts: [(String, String)] = []
        switch rows {
        case .events: facts.append(("rows", "events, as they are in silver"))
        case .table(let table): facts.append(("rows", "the gold table \(table)"))
        case .findings: facts.append(("rows", "the findings of other rules"))
        }
        for (index, step) in steps.enumerated() {
            let matchers = step.match.map(\.description).joined(separator: ", ")
            let distinct = step.distinct.map { ", \($0.count) or more values of \($0.column)" } ?? ""
            facts.append(
                (index == 0 ? "match" : "then", "\(matchers)\(step.count > 1 ? ", \(step.count) or more" : "")\(distinct)"))
        }
        switch condition {
        case .steps: break
        case .newValue(let new):
            facts.append(
                ("new", "a value of \(new.column) that the group has not had in \(Int(new.within.inSeconds / 86_400)) days"))
        case .rate(let rate):
            facts.append(("rate", "\(rate.times) times what the group usually has, and \(rate.atLeast) or more"))
        case .silence: facts.append(("absent", "no row for so long as 'within' says"))
        case .missing: facts.append(("absent", "the second row does not come within 'within'"))
        }
        facts.append(("group_by", groupBy.isEmpty ? "all rows together" : groupBy.map(\.description).joined(separator: ", ")))
        if !oncePer.isEmpty { facts.append(("once_per", oncePer.map(\.description).joined(separator: ", "))) }
        facts.append(("within", "\(Int(within.inSeconds)) s"))
        for exception in exceptions {
            switch exception {
            case .matchers(let matchers): facts.append(("except", matchers.map(\.description).joined(separator: ", ")))
            case .values(let column, let values):
                facts.append(("except", "\(column) is one of \(values.joined(separator: ", "))"))
            case .file(let column, let file): facts.append(("except", "\(column) is in \(file)"))
            case .seen(let seen):
                facts.append(
                    (
                        "except",
                        "known: \(seen.match.map(\.description).joined(separator: ", ")) with the same "
                            + "\(seen.by.map(\.description).joined(separator: ", "))"
                            + (seen.unless.map { ", unless \($0.count) of \($0.match) came before" } ?? "")
                    ))
            }
        }
        return facts
    }
}
