/// Which small files of a table are made one, and which are left.
///
/// Files are merged with their neighbours in the order of their rows, within one partition, so that a table reads in the same
/// order after it. A rewritten file is not rewritten again before there are many others of its size beside it: sizes fall into
/// classes, each eight times the one below, and a class is merged when it has enough neighbours. So a row of a stream is
/// rewritten a few times in its life, whatever the length of the stream.
public struct CompactionPolicy: Sendable {
    /// A merged file has about so many bytes; files of half of it are left alone.
    public var targetFileSize = 128 << 20
    /// So many neighbours of one class are merged.
    public var neighbours = 8
    /// Fewer are merged too once the oldest of them is so old, in milliseconds; nil leaves them.
    public var maxAge: Int64?
    /// Files are merged with those of the same span of time, in milliseconds; nil merges files of all times.
    var maxSpan: Int64?
    /// Files up to this size are of the lowest class.
    public var smallestClass = 1 << 20

    /// Everything that can be merged, at once: what a person asks for by `obs lake optimize`.
    public static let everything = CompactionPolicy(neighbours: 2, isTiered: false)
    /// In the background, beside a stream.
    public static let background = CompactionPolicy(neighbours: 8, maxAge: 3_600_000, isTiered: true)

    private var isTiered: Bool

    private init(neighbours: Int, maxAge: Int64? = nil, isTiered: Bool) {
        self.neighbours = neighbours
        self.maxAge = maxAge
        self.isTiered = isTiered
    }

    /// The groups of files to merge now; each of two files at least.
    ///
    /// - Parameter files: those of the table in the order of their rows.
    func groups(_ files: [LiveFile], now: Int64) -> [[LiveFile]] {
        var byPartition: [[String: String?]: [LiveFile]] = [:]
        var order: [[String: String?]] = []
        for file in files {
            if byPartition[file.partitionValues] == nil { order.append(file.partitionValues) }
            byPartition[file.partitionValues, default: []].append(file)
        }
        return order.flatMap { groups(inPartition: byPartition[$0]!, now: now) }
    }

    private func groups(inPartition files: [LiveFile], now: Int64) -> [[LiveFile]] {
        guard isTiered else { return bins(runs(files) { $0.size < targetFileSize / 2 }) }
        // The highest class first: its files take the smaller ones between them along, and are rewritten least often.
        var limits = [smallestClass]
        while limits.last! < targetFileSize / 2 { limits.append(limits.last! * 8) }
        var taken: Set<String> = []
        var groups: [[LiveFile]] = []
        for (index, limit) in limits.enumerated().reversed() {
            let floor = index == 0 ? 0 : limits[index - 1]
            let dense = runs(files) { $0.size < min(limit, targetFileSize / 2) && !taken.contains($0.path) }.filter { run in
                run.count(where: { $0.size >= floor }) >= neighbours
            }
            for run in dense { taken.formUnion(run.map(\.path)) }
            groups += bins(dense)
        }
        guard groups.isEmpty, let maxAge else { return groups }
        return bins(runs(files) { $0.size < targetFileSize / 2 }.filter { $0[0].modificationTime < now - maxAge })
    }

    /// The neighbours that all are small, run by run.
    private func runs(_ files: [LiveFile], _ isSmall: (LiveFile) -> Bool) -> [[LiveFile]] {
        let runs = files.split { !isSmall($0) }.map(Array.init)
        guard let maxSpan else { return runs }
        // By the calendar and not by the file before, so that a span that is merged stays as it is.
        return runs.flatMap { run in
            run.reduce(into: [[LiveFile]]()) { parts, file in
                if let last = parts.last?.last, last.modificationTime / maxSpan == file.modificationTime / maxSpan {
                    parts[parts.count - 1].append(file)
                } else {
                    parts.append([file])
                }
            }
        }
    }

    /// Cuts runs where a merged file would grow too large; what is then alone is left.
    private func bins(_ runs: [[LiveFile]]) -> [[LiveFile]] {
        var bins: [[LiveFile]] = []
        for run in runs {
            var bin: [LiveFile] = []
            var size = 0
            for file in run {
                if size + file.size > targetFileSize, !bin.isEmpty {
                    bins.append(bin)
                    bin = []
                    size = 0
                }
                bin.append(file)
                size += file.size
            }
            bins.append(bin)
        }
        return bins.filter { $0.count > 1 }
    }
}
