import Columns

/// Since when a table has rows, and how fast it grows.
public struct TableAge: Sendable, Equatable {
    /// The oldest time in its first column of times, as far as the statistics of its files say it.
    public internal(set) var since: Timestamp?
    /// What the rows of the last day take in data files. Of a table that is younger than a day it is extrapolated, from an
    /// hour at least.
    public internal(set) var bytesPerDay = 0
}

extension DeltaTable {
    private static let day = Duration.seconds(86_400)

    /// What the log says of the age of the loaded version; reads no data file.
    public func age(now: Timestamp) -> TableAge {
        var age = TableAge()
        let column = schema.fields.first { $0.type == .timestamp }?.name
        let dayAgo = now - Self.day
        var bytes = 0.0
        let files = files
        for file in files {
            let times = column.flatMap { column in file.stats.flatMap { FileBounds($0)?.times(of: column) } }
            if let oldest = times?.lowerBound { age.since = min(age.since ?? oldest, oldest) }
            guard Timestamp(microseconds: file.modificationTime * 1000) > dayAgo else { continue }
            bytes += Double(file.size) * (times.map { Self.share(of: $0, after: dayAgo) } ?? 1)
        }
        let first = files.first.map { Timestamp(microseconds: $0.modificationTime * 1000) } ?? now
        let span = min(Self.day, max(.seconds(3600), now - first))
        age.bytesPerDay = Int(bytes * Double(Self.day.inMicroseconds) / Double(span.inMicroseconds))
        return age
    }

    /// How much of a file is of the last day: merging puts older rows beside new ones. Lines of a log of the past have only old
    /// times, and have come all the same.
    private static func share(of times: ClosedRange<Timestamp>, after dayAgo: Timestamp) -> Double {
        guard times.lowerBound < dayAgo, times.upperBound > dayAgo else { return 1 }
        return Double((times.upperBound - dayAgo).inMicroseconds) / Double((times.upperBound - times.lowerBound).inMicroseconds)
    }
}
