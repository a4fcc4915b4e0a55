import Columns

/// The groups of one rule, found by the hash of what they are grouped by.
struct GroupTable: Sendable {
    private(set) var groups: [RuleGroup] = []
    /// The number of a group, or -1; a power of two in size, at most three quarters full. A hash is in the first free place from
    /// where its bits point to.
    private var places: [Int32] = Array(repeating: -1, count: 64)

    init() {}

    var count: Int { groups.count }

    /// What the table itself needs, without its groups.
    var bytes: Int { places.count * 4 }

    private func place(of key: UInt64) -> Int {
        // The hashes are mixed already, and odd: the lowest bit says nothing.
        var place = Int(truncatingIfNeeded: key >> 1) & (places.count - 1)
        while places[place] >= 0, groups[Int(places[place])].key != key { place = (place + 1) & (places.count - 1) }
        return place
    }

    /// The number of the group of `key`, which is made when there is none.
    mutating func slot(_ key: UInt64) -> Int {
        let place = place(of: key)
        if places[place] >= 0 { return Int(places[place]) }
        add(RuleGroup(key: key), at: place)
        return groups.count - 1
    }

    private mutating func add(_ group: RuleGroup, at place: Int) {
        places[place] = Int32(groups.count)
        groups.append(group)
        guard groups.count * 4 > places.count * 3 else { return }
        places = Array(repeating: -1, count: places.count * 2)
        for (slot, group) in groups.enumerated() { places[self.place(of: group.key)] = Int32(slot) }
    }

    /// - Returns: whether it is new; a key can be there only once.
    mutating func insert(_ group: RuleGroup) -> Bool {
        let place = place(of: group.key)
        guard places[place] < 0 else { return false }
        add(group, at: place)
        return true
    }

    mutating func withGroup<Result>(_ slot: Int, _ body: (inout RuleGroup) -> Result) -> Result { body(&groups[slot]) }

    /// Keeps only the groups that `isKept` holds for.
    mutating func filter(_ isKept: (_ slot: Int, RuleGroup) -> Bool) {
        let all = groups
        self = GroupTable()
        for (slot, group) in all.enumerated() where isKept(slot, group) { _ = insert(group) }
    }
}
