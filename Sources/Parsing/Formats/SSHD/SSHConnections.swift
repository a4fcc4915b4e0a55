import Columns

/// What the lines of a connection said so far, for those of its lines that do not say it themselves.
///
/// sshd writes several lines of one connection, all under one process id. This table joins them, so that
///
/// - an attempt has one outcome, not one per line: `Connection closed by authenticating user root … [preauth]` behind a
///   `Failed password` ends nothing that was not counted;
/// - a line has the address and the user of its connection: `Disconnecting: Too many authentication failures` names neither,
///   and `Connection closed by 192.0.2.7 [preauth]` of old versions no user;
/// - the line that ends a connection says how far it had come: `kex_exchange_identification: …` names no address, the line
///   behind it does.
///
/// It is a cache of four slots per bucket in flat arrays, because every line comes by. A connection is forgotten ``lifetime``
/// after its last line, and when its bucket is full and the table at its limit: then its lines are read as if each were
/// alone. What it holds follows from the lines alone, so a restart from a checkpoint reads on as if there had been none.
struct SSHConnections: Sendable {
    /// sshd allows two minutes for a log-in (`LoginGraceTime`). A longer memory would join the lines of two connections to
    /// which the system gave one id.
    private static let lifetime: Int64 = 150_000_000
    private static let slotsPerBucket = 4
    /// 1,024 connections at once, of which sshd by default allows 100 that are not authenticated (`MaxStartups`).
    private static let maxBuckets = 256
    private static let maxSourceLength = 46
    private static let maxUserLength = 64
    private static let textLength = maxSourceLength + maxUserLength

    private struct Facts: OptionSet {
        let rawValue: UInt8
        static let failed = Facts(rawValue: 1)
        static let refused = Facts(rawValue: 2)
        static let abandoned = Facts(rawValue: 4)
        static let accepted = Facts(rawValue: 8)
        /// The next failure tells of an attempt that has its outcome already.
        static let toldAgain = Facts(rawValue: 16)
        static let isOver = Facts(rawValue: 32)
    }

    private struct Slot {
        /// A hash of host and process id; 0 is an empty slot.
        var key: UInt64 = 0
        var time: Int64 = 0
        var port: Int32 = -1
        var stage: UInt8 = 0
        var facts: Facts = []
        var sourceLength: UInt8 = 0
        var userLength: UInt8 = 0
    }

    private var slots: [Slot] = []
    private var texts: [UInt8] = []

    /// Completes `event` by what is known of its connection, and keeps what it says.
    mutating func complete(_ event: inout SSHD.SSHLine, of line: Span<UInt8>, at time: Int64) {
        guard let pid = event.header.pid, event.kind != .ofListener, event.code != SSHD.otherCode, !event.isOfAccounts else {
            return
        }
        let index = slot(for: Self.key(line.extracting(event.header.host), pid), at: time)
        if isAnother(index, event, line, at: time) {
            slots[index] = Slot(key: slots[index].key)
        }
        Self.decideOutcome(&event, &slots[index].facts)
        let hasSource = event.source.lowerBound >= 0
        if event.stage != .session {
            if !hasSource, slots[index].sourceLength > 0 { event.knownSource = index }
            if event.user.lowerBound < 0, slots[index].userLength > 0 { event.knownUser = index }
            if let stage = event.stage {
                slots[index].stage = max(slots[index].stage, stage.code)
                if event.isLast { event.stage = SSHStage.allCases[Int(slots[index].stage)] }
            }
        }
        keep(event, line, in: index)
        slots[index].time = time
        if let port = event.port { slots[index].port = port }
        if event.isLast { slots[index].facts.insert(.isOver) }
    }

    /// Takes the outcome from a line that repeats what a line before it has said. Static, because a method would hold `slots`
    /// while one of them changes, which copies all of them for every line.
    private static func decideOutcome(_ event: inout SSHD.SSHLine, _ facts: inout Facts) {
        switch event.outcome {
        case .failure:
            if event.kind != .toldAgain, facts.contains(.toldAgain) { event.outcome = nil }
            facts.remove(.toldAgain)
            facts.insert(.failed)
        case .refused:
            // Exhausted attempts are an outcome beside the failures that exhausted them: it is another thing that happened.
            if facts.contains(.refused) || facts.contains(.accepted) || facts.contains(.failed) && event.code != exhausted {
                event.outcome = nil
            }
            facts.insert(.refused)
        case .abandoned:
            if !facts.isDisjoint(with: [.failed, .refused, .abandoned, .accepted]) { event.outcome = nil }
            facts.insert(.abandoned)
        case .success: facts.insert(.accepted)
        case nil: break
        }
        if event.kind == .toldAgain { facts.insert(.toldAgain) }
    }

    private static let exhausted = SSHD.code(of: .tooManyFailures)

    /// Whether the system gave the process id to another connection since.
    private func isAnother(_ index: Int, _ event: SSHD.SSHLine, _ line: Span<UInt8>, at time: Int64) -> Bool {
        let slot = slots[index]
        if abs(time &- slot.time) > Self.lifetime { return true }
        if let port = event.port, slot.port >= 0 { return port != slot.port }
        let source = line.extracting(max(0, event.source.lowerBound)..<max(0, event.source.upperBound))
        if source.isEmpty { return slot.facts.contains(.isOver) }
        guard slot.sourceLength > 0 else { return false }
        let known = texts.span.extracting(index * Self.textLength..<(index * Self.textLength + Int(slot.sourceLength)))
        // A host's name and its address may be one.
        return !source.isEqual(to: known) && Self.isAddress(source) && Self.isAddress(known)
    }

    private static func isAddress(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            let byte = text[index], letter = byte | 0x20
            guard
                byte.isDigit || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
                    || letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "f")
            else { return false }
        }
        return true
    }

    private mutating func keep(_ event: SSHD.SSHLine, _ line: Span<UInt8>, in index: Int) {
        let start = index * Self.textLength
        if slots[index].sourceLength == 0, event.source.lowerBound >= 0, event.source.count <= Self.maxSourceLength {
            slots[index].sourceLength = UInt8(event.source.count)
            for offset in 0..<event.source.count { texts[start + offset] = line[event.source.lowerBound + offset] }
        }
        if slots[index].userLength == 0, event.user.lowerBound >= 0, event.user.count <= Self.maxUserLength {
            slots[index].userLength = UInt8(event.user.count)
            for offset in 0..<event.user.count {
                texts[start + Self.maxSourceLength + offset] = line[event.user.lowerBound + offset]
            }
        }
    }

    /// Appends the address that ``complete(_:of:at:)`` found at `index`.
    func appendSource(at index: Int, to column: inout DictionaryBuilder) {
        let start = index * Self.textLength
        column.append(texts.span.extracting(start..<(start + Int(slots[index].sourceLength))))
    }

    /// Appends the user that ``complete(_:of:at:)`` found at `index`.
    func appendUser(at index: Int, to column: inout DictionaryBuilder) {
        let start = index * Self.textLength + Self.maxSourceLength
        column.append(texts.span.extracting(start..<(start + Int(slots[index].userLength))))
    }

    // MARK: The table

    private static func key(_ host: Span<UInt8>, _ pid: Int32) -> UInt64 {
        var hash = StableHash()
        hash.add(host)
        for shift in stride(from: 0, to: 32, by: 8) { hash.add(UInt8(truncatingIfNeeded: pid >> shift)) }
        return hash.value | 1
    }

    /// The slot of `key`: its own, or one that is empty, forgotten or, in a full table, the one whose last line is oldest.
    private mutating func slot(for key: UInt64, at time: Int64) -> Int {
        while true {
            if slots.isEmpty { resize(buckets: 4) }
            let first = Self.bucket(of: key, in: slots.count)
            for index in first..<(first + Self.slotsPerBucket) where slots[index].key == key { return index }
            var oldest = first
            for index in first..<(first + Self.slotsPerBucket) {
                if slots[index].key == 0 || slots[index].facts.contains(.isOver) || abs(time &- slots[index].time) > Self.lifetime
                {
                    slots[index] = Slot(key: key, time: time)
                    return index
                }
                if slots[index].time < slots[oldest].time { oldest = index }
            }
            if slots.count >= Self.maxBuckets * Self.slotsPerBucket {
                slots[oldest] = Slot(key: key, time: time)
                return oldest
            }
            resize(buckets: slots.count / Self.slotsPerBucket * 2)
        }
    }

    private static func bucket(of key: UInt64, in count: Int) -> Int {
        // The low bits of FNV are its worst.
        Int(truncatingIfNeeded: (key ^ key >> 32) >> 1) & (count / slotsPerBucket - 1) &* slotsPerBucket
    }

    /// Twice as many buckets: what was in one goes to two, so nothing is lost.
    private mutating func resize(buckets: Int) {
        let old = slots, oldTexts = texts
        slots = Array(repeating: Slot(), count: buckets * Self.slotsPerBucket)
        texts = Array(repeating: 0, count: slots.count * Self.textLength)
        for (index, slot) in old.enumerated() where slot.key != 0 {
            var place = Self.bucket(of: slot.key, in: slots.count)
            while slots[place].key != 0 { place += 1 }
            slots[place] = slot
            for offset in 0..<Self.textLength {
                texts[place * Self.textLength + offset] = oldTexts[index * Self.textLength + offset]
            }
        }
    }
}

// MARK: Checkpoints

extension SSHConnections {
    func encode(to writer: inout StateWriter) {
        writer.write(slots.count / Self.slotsPerBucket)
        writer.write(slots.count { $0.key != 0 })
        for (index, slot) in slots.enumerated() where slot.key != 0 {
            writer.write(compact: Int64(index))
            writer.write(slot.key)
            writer.write(slot.time)
            writer.write(compact: Int64(slot.port))
            writer.write(byte: slot.stage)
            writer.write(byte: slot.facts.rawValue)
            let start = index * Self.textLength
            writer.write(Array(texts[start..<(start + Int(slot.sourceLength))]))
            writer.write(Array(texts[(start + Self.maxSourceLength)..<(start + Self.maxSourceLength + Int(slot.userLength))]))
        }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        let buckets = try reader.int()
        guard buckets >= 0, buckets <= Self.maxBuckets, buckets & (buckets - 1) == 0 else { throw StateReader.Damaged() }
        if buckets > 0 { resize(buckets: buckets) }
        for _ in 0..<(try reader.count()) {
            guard let index = Int(exactly: try reader.compactInt64()), slots.indices.contains(index) else {
                throw StateReader.Damaged()
            }
            var slot = Slot(key: try reader.uint64(), time: try reader.int64())
            guard let port = Int32(exactly: try reader.compactInt64()) else { throw StateReader.Damaged() }
            slot.port = port
            slot.stage = try reader.byte()
            slot.facts = Facts(rawValue: try reader.byte())
            let source = try reader.array(), user = try reader.array()
            guard slot.key != 0, slot.stage < SSHStage.allCases.count, source.count <= Self.maxSourceLength,
                user.count <= Self.maxUserLength
            else { throw StateReader.Damaged() }
            (slot.sourceLength, slot.userLength) = (UInt8(source.count), UInt8(user.count))
            slots[index] = slot
            for (offset, byte) in source.enumerated() { texts[index * Self.textLength + offset] = byte }
            for (offset, byte) in user.enumerated() { texts[index * Self.textLength + Self.maxSourceLength + offset] = byte }
        }
    }
}
