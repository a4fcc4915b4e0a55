/// Values by hashes that are mixed already and odd, as ``DetectorRows/keys(_:)`` gives them: a look takes a step or two, and no
/// second hash.
struct KeyTable<Value: Sendable>: Sendable {
    /// 0 where nothing is; a power of two in size, at most half full. A key is in the first free place from where its bits point
    /// to.
    private var keys: [UInt64] = []
    private var values: [Value] = []
    /// What free places have.
    private let none: Value
    private(set) var count = 0

    init(_ none: Value) {
        self.none = none
    }

    /// Places that memory is taken for.
    var capacity: Int { keys.count }

    private func home(_ key: UInt64) -> Int { Int(truncatingIfNeeded: key >> 1) & (keys.count - 1) }

    private func place(of key: UInt64) -> Int {
        var place = home(key)
        while keys[place] != 0, keys[place] != key { place = (place + 1) & (keys.count - 1) }
        return place
    }

    subscript(key: UInt64) -> Value? {
        get {
            guard count > 0 else { return nil }
            let place = place(of: key)
            return keys[place] == key ? values[place] : nil
        }
        set {
            guard let newValue else { return remove(key) }
            if count * 2 >= keys.count { grow() }
            let place = place(of: key)
            if keys[place] != key {
                keys[place] = key
                count += 1
            }
            values[place] = newValue
        }
    }

    private mutating func grow() {
        let old = self
        keys = Array(repeating: 0, count: max(64, old.keys.count * 2))
        values = Array(repeating: none, count: keys.count)
        for at in old.keys.indices where old.keys[at] != 0 {
            let place = place(of: old.keys[at])
            (keys[place], values[place]) = (old.keys[at], old.values[at])
        }
    }

    private mutating func remove(_ key: UInt64) {
        guard count > 0 else { return }
        var hole = place(of: key)
        guard keys[hole] == key else { return }
        count -= 1
        // What comes after it moves up, unless it would then be before the place where its search begins.
        var next = (hole + 1) & (keys.count - 1)
        while keys[next] != 0 {
            let distance = (next &- home(keys[next])) & (keys.count - 1)
            if distance >= (next &- hole) & (keys.count - 1) {
                (keys[hole], values[hole]) = (keys[next], values[next])
                hole = next
            }
            next = (next + 1) & (keys.count - 1)
        }
        (keys[hole], values[hole]) = (0, none)
    }

    /// All that is in it, in no order that means anything.
    var all: [(key: UInt64, value: Value)] {
        keys.indices.filter { keys[$0] != 0 }.map { (keys[$0], values[$0]) }
    }

    /// Keeps only what `isKept` holds for; in less memory where little is left.
    mutating func filter(_ isKept: (UInt64, Value) -> Bool) {
        var kept = Self(none)
        var isCut = false
        for at in keys.indices where keys[at] != 0 {
            if isKept(keys[at], values[at]) { kept[keys[at]] = values[at] } else { isCut = true }
        }
        if isCut { self = kept }
    }
}
