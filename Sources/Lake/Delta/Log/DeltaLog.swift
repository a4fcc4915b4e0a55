import Foundation

/// The log of one table: commits as numbered JSON files, and checkpoints that stand for all commits up to theirs.
///
///     _delta_log/00000000000000000010.checkpoint.parquet
///     _delta_log/00000000000000000010.json
///     _delta_log/00000000000000000011.json
///     _delta_log/_last_checkpoint                          {"version":10,"size":7}
///
/// A version is there when its JSON file is; that file is put once and never changed, and ``CommitSeal`` tells whether it is
/// still what was put. A damaged commit is never passed over: the rows that it tells of would be gone. Checkpoints and
/// `_last_checkpoint` only save work: a damaged or missing one is passed over.
///
/// Source: Delta Transaction Log Protocol.
struct DeltaLog: Sendable {
    let storage: any Storage
    /// For messages.
    let table: String

    private static let folder = "_delta_log"
    static let hintKey = "_delta_log/_last_checkpoint"

    static func number(_ version: Int64) -> String {
        let digits = String(version)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    static func commitKey(_ version: Int64) -> String { "\(folder)/\(number(version)).json" }

    // MARK: Commits

    func has(_ version: Int64) throws(LakeError) -> Bool { try storage.exists(Self.commitKey(version)) }

    func actions(of version: Int64) throws(LakeError) -> [DeltaAction] { try commit(version).actions }

    /// What a commit file holds.
    struct Commit {
        var actions: [DeltaAction]
        /// Of the file's bytes.
        var checksum: UInt32
        /// Of the file that was the version before when this one was written; nil when its writer does not say.
        var previous: String? { actions.lazy.compactMap(\.commitInfo?.obsPrevious).first }
    }

    /// - Throws: ``LakeError/badCommit(path:reason:)`` when its bytes are not a commit, or not those that were put.
    func commit(_ version: Int64) throws(LakeError) -> Commit {
        let key = Self.commitKey(version)
        let bytes = try storage.get(key)
        func bad(_ reason: String) -> LakeError { .badCommit(path: storage.location(key), reason: reason) }
        guard CommitSeal.isIntact(bytes) else { throw bad("its checksum is not that of its bytes") }
        var actions: [DeltaAction] = []
        let decoder = JSONDecoder()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let action = try? decoder.decode(DeltaAction.self, from: Data(line)), action.isKnown else {
                throw bad("a line is not an action of the protocol")
            }
            actions.append(action)
        }
        guard !actions.isEmpty else { throw bad("it holds no action") }
        return Commit(actions: actions, checksum: CommitSeal.checksum(bytes))
    }

    /// Puts the commit of `version`, on top of one with the checksum `previous`.
    ///
    /// - Returns: the checksum of its file, or nil when another process has put one.
    func put(_ actions: [DeltaAction], version: Int64, on previous: UInt32?) throws(LakeError) -> UInt32? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        var actions = actions
        precondition(actions.first?.commitInfo != nil, "a commit begins with what it is")
        actions[0].commitInfo!.obsChecksum = CommitSeal.unset
        actions[0].commitInfo!.obsPrevious = previous.map(CommitSeal.text) ?? ""
        var bytes: [UInt8] = []
        for action in actions {
            // Actions are plain texts and numbers: they always encode.
            bytes.append(contentsOf: try! encoder.encode(action))
            bytes.append(UInt8(ascii: "\n"))
        }
        CommitSeal.close(&bytes)
        return try storage.putIfAbsent(Self.commitKey(version), bytes) ? CommitSeal.checksum(bytes) : nil
    }

    /// The checksum of the file of a version, or nil when it is not there any more.
    func checksum(of version: Int64) throws(LakeError) -> UInt32? {
        guard version >= 0, try has(version) else { return nil }
        return try commit(version).checksum
    }

    // MARK: Loading

    /// What is in the folder of the log.
    struct Listing {
        /// Version and time (milliseconds since 1970) of each commit file, oldest first; times never fall.
        var commits: [(version: Int64, time: Int64)] = []
        /// Whole checkpoints, oldest first.
        var checkpoints: [(version: Int64, keys: [String])] = []
        /// Every other file of the log, with the version that it begins with.
        var others: [(version: Int64, key: String)] = []
    }

    func list() throws(LakeError) -> Listing {
        var listing = Listing()
        var parts: [Int64: [Int: [String]]] = [:]
        for object in try storage.list(Self.folder) where !object.isFolder {
            let name = object.name
            guard let version = Int64(name.prefix(20)), name.utf8.count > 20 else { continue }
            let rest = name.dropFirst(20)
            let pieces = rest.split(separator: ".")
            if rest == ".json" {
                listing.commits.append((version, max(object.modified, listing.commits.last?.time ?? .min)))
            } else if rest == ".checkpoint.parquet" {
                parts[version, default: [:]][1, default: []].append(object.key)
            } else if pieces.count == 4, pieces[0] == "checkpoint", pieces[3] == "parquet", let count = Int(pieces[2]), count > 0
            {
                parts[version, default: [:]][count, default: []].append(object.key)
            } else {
                listing.others.append((version, object.key))
            }
        }
        for (version, byCount) in parts.sorted(by: { $0.key < $1.key }) {
            for (count, keys) in byCount.sorted(by: { $0.key < $1.key }) {
                if keys.count >= count, listing.checkpoints.last?.version != version {
                    listing.checkpoints.append((version, keys))
                } else {
                    listing.others += keys.map { (version, $0) }
                }
            }
        }
        return listing
    }

    /// The version of the newest checkpoint that `_last_checkpoint` knows, or nil.
    func hintedVersion() -> Int64? { hint()?.version }

    private func hint() -> CheckpointHint? {
        guard (try? storage.exists(Self.hintKey)) == true, let bytes = try? storage.get(Self.hintKey) else { return nil }
        return try? CheckpointHint(bytes)
    }

    /// The newest version, or `version`; a snapshot of version -1 when there is no table.
    func load(upTo version: Int64? = nil) throws(LakeError) -> Snapshot {
        // Fast path: the hint names a checkpoint that is there, and commits follow it without a gap.
        if let hint = hint(), version == nil || hint.version <= version!, let start = try? checkpoint(hint) {
            var snapshot = start
            do throws(LakeError) {
                try follow(&snapshot, upTo: version)
                if version == nil || snapshot.version == version! { return snapshot }
            } catch {
                // A newer checkpoint may stand for what is missing or damaged.
            }
        }
        // Slow path: the folder says what there is. A checkpoint that cannot be read is passed over for the one before it.
        let listing = try list()
        let newest = version ?? .max
        var failure: LakeError?
        for candidate in listing.checkpoints.reversed() where candidate.version <= newest {
            do throws(LakeError) {
                var snapshot = try checkpoint(candidate.version, candidate.keys)
                try follow(&snapshot, upTo: version)
                return try reached(snapshot, version, listing)
            } catch {
                if case .unsupported = error { throw error }
                failure = error
            }
        }
        var snapshot = Snapshot()
        if listing.commits.first?.version == 0 {
            try follow(&snapshot, upTo: version)
        } else if let failure {
            throw failure
        } else if let first = listing.commits.first {
            guard version == nil || version! >= first.version else {
                throw .notInLog(
                    table: table, wanted: String(version!), oldest: listing.checkpoints.first?.version ?? first.version)
            }
            throw .unsupported(
                table: table, feature: "a log that begins at version \(first.version) without a checkpoint of the first kind")
        }
        return try reached(snapshot, version, listing)
    }

    private func reached(_ snapshot: Snapshot, _ version: Int64?, _ listing: Listing) throws(LakeError) -> Snapshot {
        guard let version, snapshot.version != version, snapshot.version >= 0 else { return snapshot }
        throw .noVersion(version, table: table)
    }

    private func checkpoint(_ hint: CheckpointHint) throws(LakeError) -> Snapshot {
        let name = "\(Self.folder)/\(Self.number(hint.version)).checkpoint"
        guard let parts = hint.parts, parts > 1 else { return try checkpoint(hint.version, [name + ".parquet"]) }
        guard parts <= 10_000 else {
            throw .badFile(path: storage.location(Self.hintKey), reason: "it says that a checkpoint has \(parts) parts")
        }
        func ten(_ number: Int) -> String { String(repeating: "0", count: 10 - String(number).count) + String(number) }
        return try checkpoint(hint.version, (1...parts).map { "\(name).\(ten($0)).\(ten(parts)).parquet" })
    }

    func checkpoint(_ version: Int64, _ keys: [String]) throws(LakeError) -> Snapshot {
        var actions: [DeltaAction] = []
        for key in keys { actions += try LogCheckpoint.actions(storage, key) }
        var snapshot = Snapshot()
        try snapshot.apply(actions, version: version, table: table)
        guard snapshot.metadata != nil else {
            throw .badFile(path: storage.location(keys[0]), reason: "it is a checkpoint of the log without metadata")
        }
        return snapshot
    }

    /// Applies the commits after the snapshot's version.
    ///
    /// - Throws: ``LakeError/badCommit(path:reason:)``, ``LakeError/missingCommit(path:)`` when later ones are there.
    func follow(_ snapshot: inout Snapshot, upTo last: Int64? = nil) throws(LakeError) {
        while last == nil || snapshot.version < last! {
            let next = snapshot.version + 1
            guard try has(next) else {
                guard try isGap(at: next) else { return }
                throw .missingCommit(path: storage.location(Self.commitKey(next)))
            }
            let commit = try commit(next)
            if let known = snapshot.checksum, let previous = commit.previous, !previous.isEmpty,
                previous != CommitSeal.text(known)
            {
                throw .badCommit(
                    path: storage.location(Self.commitKey(next - 1)),
                    reason: "it is not the file that version \(next) was committed after")
            }
            try snapshot.apply(commit.actions, version: next, checksum: commit.checksum, table: table)
        }
    }

    /// How many versions beyond a missing one are looked for: as many as may be missing before a checkpoint stands for them.
    private static let widestGap: Int64 = 10

    /// Whether commits follow on one that is missing. Then the log has lost it, or is being shortened.
    private func isGap(at version: Int64) throws(LakeError) -> Bool {
        for later in 1...Self.widestGap where try has(version + later) {
            // Two commits may have come since it was looked for.
            return try !has(version)
        }
        return false
    }

    // MARK: Checkpoints and clean-up

    /// Writes the checkpoint of a version. Another process may write the same one at the same moment: the content is the same.
    func writeCheckpoint(_ snapshot: Snapshot, tombstonesSince oldest: Int64) throws(LakeError) {
        let actions = snapshot.actions(tombstonesSince: oldest)
        try storage.put("\(Self.folder)/\(Self.number(snapshot.version)).checkpoint.parquet", LogCheckpoint.file(actions))
        if let known = hintedVersion(), known > snapshot.version { return }
        try storage.put(Self.hintKey, CheckpointHint(version: snapshot.version, size: Int64(actions.count)).bytes)
    }

    /// The time by which old things are deleted, in milliseconds since 1970: the clock's, but at most a day after the newest
    /// commit. A clock that is years ahead would make all of them old.
    func plausibleNow() throws(LakeError) -> Int64 { Self.plausibleNow(try list()) }

    private static func plausibleNow(_ listing: Listing) -> Int64 {
        min(commitTime(), listing.commits.last.map { $0.time + 86_400_000 } ?? .max)
    }

    /// Deletes commits and checkpoints that are older than `oldest` (milliseconds since 1970), or older than ten minutes and
    /// not among the newest `atMost` commits, as far as a checkpoint stands for them. The newest checkpoint, and all after it,
    /// always stay.
    ///
    /// - Returns: how many files are gone.
    @discardableResult
    func cleanUp(before oldest: Int64, atMost: Int = .max) throws(LakeError) -> Int {
        let listing = try list()
        guard let newest = listing.commits.last?.version else { return 0 }
        let now = Self.plausibleNow(listing)
        let oldest = oldest - (commitTime() - now)
        // A process that has just read the log must still find the commits that follow.
        let settled = now - 600_000
        let expired = listing.commits.last {
            $0.time < oldest || $0.version <= newest - Int64(clamping: atMost) && $0.time < settled
        }
        // The last checkpoint at or below the first version to keep stays, so that all versions from it on can be opened.
        guard let expired, let first = listing.checkpoints.last(where: { $0.version <= expired.version + 1 })?.version else {
            return 0
        }
        var removed = 0
        for commit in listing.commits where commit.version < first {
            try storage.delete(Self.commitKey(commit.version))
            removed += 1
        }
        for checkpoint in listing.checkpoints where checkpoint.version < first {
            for key in checkpoint.keys { try storage.delete(key) }
            removed += checkpoint.keys.count
        }
        for other in listing.others where other.version < first {
            try storage.delete(other.key)
            removed += 1
        }
        return removed
    }
}
