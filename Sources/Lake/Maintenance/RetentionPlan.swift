import Columns

/// Decides which files go, on values. What is decided first goes first; the rest is decided about what is left.
struct RetentionPlan {
    /// By table, what is left, oldest first.
    private var left: [String: [LiveFile]]
    /// By table.
    private(set) var removed: [String: [(reason: Retention.Reason, files: [LiveFile])]] = [:]
    private(set) var removedBytes = 0
    private let now: Timestamp

    /// - Parameter files: by table, oldest first.
    init(_ files: [String: [LiveFile]], now: Timestamp) {
        left = files.filter { !$0.value.isEmpty }
        self.now = now
    }

    /// Takes out all files whose newest row is older than its table may have.
    mutating func removeOld(_ policy: RetentionPolicy) {
        for (name, files) in left {
            guard let age = policy.maxAge(of: name) else { continue }
            let oldest = (now - age).microseconds / 1000
            take(files.prefix { $0.modificationTime < oldest }.count, of: name, for: .age)
        }
    }

    /// Takes out the oldest files of tables and layers that are too large. The newest file of a table stays.
    mutating func removeLarge(_ policy: RetentionPolicy, _ disk: DiskSpace?) {
        for name in left.keys {
            guard let most = policy.limits[name]?.bytes(of: disk) else { continue }
            removeOldest(of: [name], bytes: size(of: [name]) - most, for: .size)
        }
        for layer in Set(left.keys.map(RetentionPolicy.layer)) {
            guard let most = policy.limits[layer]?.bytes(of: disk) else { continue }
            let names = left.keys.filter { RetentionPolicy.layer(of: $0) == layer }
            removeOldest(of: names, bytes: size(of: names) - most, for: .size)
        }
    }

    /// Takes out the oldest files of layers, one layer after another, until `bytes` are free.
    mutating func removeOldest(of layers: [String], bytes: Int, keeping age: Duration) {
        var bytes = bytes
        for layer in layers {
            let names = left.keys.filter { RetentionPolicy.layer(of: $0) == layer }
            bytes -= removeOldest(of: names, bytes: bytes, for: .disk, before: (now - age).microseconds / 1000)
        }
    }

    private func size(of names: some Sequence<String>) -> Int {
        names.reduce(0) { $0 + left[$1]!.reduce(0) { $0 + $1.size } }
    }

    /// Takes the oldest of all files of some tables until `bytes` are taken; the newest of each table stays.
    ///
    /// - Returns: the bytes that were taken.
    @discardableResult
    private mutating func removeOldest(
        of names: [String], bytes: Int, for reason: Retention.Reason, before: Int64 = .max
    ) -> Int {
        guard bytes > 0 else { return 0 }
        let files = names.flatMap { name in left[name]!.dropLast().map { (name: name, file: $0) } }
            .sorted { ($0.file.modificationTime, $0.name) < ($1.file.modificationTime, $1.name) }
        var taken = 0
        var counts: [String: Int] = [:]
        for (name, file) in files {
            guard taken < bytes, file.modificationTime < before else { break }
            taken += file.size
            counts[name, default: 0] += 1
        }
        for (name, count) in counts { take(count, of: name, for: reason) }
        return taken
    }

    private mutating func take(_ count: Int, of name: String, for reason: Retention.Reason) {
        guard count > 0 else { return }
        let files = Array(left[name]!.prefix(count))
        left[name]!.removeFirst(count)
        if left[name]!.isEmpty { left[name] = nil }
        removed[name, default: []].append((reason, files))
        removedBytes += files.reduce(0) { $0 + $1.size }
    }
}
