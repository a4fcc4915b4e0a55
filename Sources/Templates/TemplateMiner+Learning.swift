/// How a shape that fits no template is learned. Runs once per new shape; it may allocate.
extension TemplateMiner {
    /// Makes a template of the shape, merges it with those that it gives enough evidence for, and returns the slot that
    /// holds the result. A message of one shape with a template already never comes here.
    mutating func learn(_ pattern: TemplatePattern, bucket: Int) -> Int {
        let groups = peerGroups(of: pattern, bucket: bucket)
        var current = create(pattern, bucket: bucket)
        for group in groups where group.columns.isEmpty || hasEnoughValues(group, pattern) {
            for peer in group.peers where slots[peer].isLive && peer != current {
                current = merge(peer, current)
            }
        }
        epochs[bucket] &+= 1
        if epochs[bucket] == 0 { restartEpochs() }
        return current
    }

    /// Peers that differ from the new shape in the same columns of words.
    struct PeerGroup {
        var columns: [Int]
        var peers: [Int]
    }

    /// Fewest columns first; among equals, the group with the oldest peer first.
    private func peerGroups(of pattern: TemplatePattern, bucket: Int) -> [PeerGroup] {
        var groups: [PeerGroup] = []
        var indexOfColumns: [[Int]: Int] = [:]
        let mayVaryFirst = firstTokenMayVary(pattern)
        for peer in buckets[bucket].suffix(limits.peers) {
            // Nearly every peer of an unknown statement ends here, without a look at its other tokens.
            if !mayVaryFirst, let first = patterns[peer].tokens.first, !first.isMasked,
                first.hash != pattern.tokens.first?.hash
            {
                continue
            }
            guard let columns = wordColumns(between: patterns[peer], and: pattern) else { continue }
            if let index = indexOfColumns[columns] {
                groups[index].peers.append(peer)
            } else {
                indexOfColumns[columns] = groups.count
                groups.append(PeerGroup(columns: columns, peers: [peer]))
            }
        }
        return groups.enumerated().sorted { ($0.element.columns.count, $0.offset) < ($1.element.columns.count, $1.offset) }
            .map(\.element)
    }

    /// Whether the first token may differ from that of a peer that has no mask there.
    private func firstTokenMayVary(_ pattern: TemplatePattern) -> Bool {
        guard let first = pattern.tokens.first else { return false }
        return first.isMasked || TokenRules.isDottedName(pattern.bytes(0)) || TokenRules.isUnit(pattern.bytes(0))
    }

    /// The columns at which the two differ in words, without those that are alike; nil if the two are not variants of one
    /// message: more than half of it differs, no fixed word is left, or the first word is another.
    private func wordColumns(between peer: TemplatePattern, and new: TemplatePattern) -> [Int]? {
        let count = new.tokens.count
        guard let differing = peer.differences(from: new, limit: max(1, count / 2)) else { return nil }
        let words = differing.filter { !TokenRules.areAlike(peer.bytes($0), new.bytes($0)) }
        if words.first == 0 {
            guard TokenRules.isDottedName(peer.bytes(0)), TokenRules.isDottedName(new.bytes(0)) else { return nil }
        }
        let hasFixedWord = (0..<count).contains { index in
            !new.tokens[index].isWild && !differing.contains(index) && TokenRules.hasLetterOutsideMask(new.bytes(index))
        }
        return hasFixedWord ? words : nil
    }

    private func hasEnoughValues(_ group: PeerGroup, _ pattern: TemplatePattern) -> Bool {
        let needed: Int
        if group.columns.count > 1 {
            needed = limits.valuesPerColumnTogether
        } else {
            needed = pattern.maskedTokens >= limits.richMasks ? limits.valuesPerColumnWhenRich : limits.valuesPerColumn
        }
        guard group.peers.count + 1 >= needed else { return false }
        return group.columns.allSatisfy { column in
            var values: Set<UInt64> = [pattern.tokens[column].hash]
            for peer in group.peers { values.insert(patterns[peer].tokens[column].hash) }
            return values.count >= needed
        }
    }

    /// The older of the two takes the younger one in. Returns the slot that stays.
    private mutating func merge(_ first: Int, _ second: Int) -> Int {
        let (older, younger) = slots[first].number < slots[second].number ? (first, second) : (second, first)
        note(.merged, slot: younger, into: older)
        patterns[older] = patterns[older].generalised(with: patterns[younger])
        slots[older].lines &+= slots[younger].lines
        slots[older].lastLine = max(slots[older].lastLine, slots[younger].lastLine)
        aliases.add(slots[younger].number, into: slots[older].number)
        note(.widened, slot: older)
        release(younger)
        return older
    }

    private mutating func create(_ pattern: TemplatePattern, bucket: Int) -> Int {
        if slotOfNumber.count >= limits.templates { evictOldest() }
        let numbers = Slot(
            number: takeNumber(), id: pattern.id, lines: 0, lastLine: lines, bucket: bucket, isLive: true)
        let slot = place(numbers, pattern)
        note(.new, slot: slot)
        return slot
    }

    /// Puts a template into a free slot and its bucket, and makes its number known, which must be the highest so far.
    @discardableResult
    mutating func place(_ numbers: Slot, _ pattern: TemplatePattern) -> Int {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            slots[slot] = numbers
            patterns[slot] = pattern
        } else {
            slot = slots.count
            slots.append(numbers)
            patterns.append(pattern)
        }
        slotOfNumber[numbers.number] = slot
        buckets[numbers.bucket].append(slot)
        return slot
    }

    /// After four billion numbers it starts again at 1, past those that are alive.
    private mutating func takeNumber() -> UInt32 {
        while nextNumber == 0 || slotOfNumber[nextNumber] != nil { nextNumber &+= 1 }
        defer { nextNumber &+= 1 }
        return nextNumber
    }

    private mutating func release(_ slot: Int) {
        slotOfNumber[slots[slot].number] = nil
        slots[slot].isLive = false
        patterns[slot] = TemplatePattern(text: [])
        buckets[slots[slot].bucket].removeAll { $0 == slot }
        freeSlots.append(slot)
    }

    /// Evicts a sixteenth at once, so that the search for the oldest is paid for by many new templates.
    private mutating func evictOldest() {
        let oldest = slots.indices.filter { slots[$0].isLive }
            .sorted { (slots[$0].lastLine, slots[$0].number) < (slots[$1].lastLine, slots[$1].number) }
        for slot in oldest.prefix(max(1, limits.templates / 16)) {
            let bucket = slots[slot].bucket
            note(.evicted, slot: slot)
            release(slot)
            epochs[bucket] &+= 1
            if epochs[bucket] == 0 { restartEpochs() }
        }
    }

    /// Every epoch was used once: forget the cache, so that none of its entries looks current.
    private mutating func restartEpochs() {
        for index in cache.indices { cache[index] = CacheEntry() }
        for index in epochs.indices { epochs[index] = 1 }
    }
}
