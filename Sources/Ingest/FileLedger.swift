import Columns

/// What several tasks that read files of one source share: how far each file is, whose turn it is to deliver, and how far all
/// of them are.
actor FileLedger {
    private(set) var files: [FilePosition]
    private let elsewhere: [FilePosition]
    private let total: Int64?
    private let progress: @Sendable (_ bytes: Int64, _ total: Int64?) -> Void
    private var bytesRead: [Int: Int64] = [:]

    private var isLocked = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// By the number of a file that is being read: its first bytes.
    private var claims: [Int: [UInt8]] = [:]
    private var claimants: [CheckedContinuation<Void, Never>] = []

    init(_ position: SourcePosition, total: Int64?, progress: @escaping @Sendable (_ bytes: Int64, _ total: Int64?) -> Void) {
        files = position.files
        elsewhere = position.elsewhere
        self.total = total
        self.progress = progress
    }

    // MARK: Turns

    /// Waits for the turn, first come, first served.
    func lock() async {
        guard isLocked else {
            isLocked = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func unlock() {
        if waiting.isEmpty { isLocked = false } else { waiting.removeFirst().resume() }
    }

    // MARK: Positions

    /// All texts that are not read again.
    var known: [FilePosition] { files + elsewhere }

    /// The index of a position in ``files``; nil when it belongs to another source or run.
    func index(of position: FilePosition) -> Int? { files.firstIndex(of: position) }

    /// Notes how far a file is; gives its index in ``files``.
    func note(_ position: FilePosition, at index: Int?) -> Int {
        if let index {
            files[index] = position
            return index
        }
        files.append(position)
        return files.count - 1
    }

    /// Returns once no file that begins with the same bytes is being read.
    func claim(_ head: [UInt8], _ number: Int) async {
        while claims.values.contains(where: { !$0.isEmpty && ($0.starts(with: head) || head.starts(with: $0)) }) {
            await withCheckedContinuation { claimants.append($0) }
        }
        claims[number] = head
    }

    func release(_ number: Int) {
        claims[number] = nil
        for claimant in claimants { claimant.resume() }
        claimants = []
    }

    // MARK: Progress

    func show(_ bytes: Int64, of number: Int) {
        bytesRead[number] = bytes
        progress(bytesRead.values.reduce(0, +), total)
    }

    func showEnd() { progress(total ?? bytesRead.values.reduce(0, +), total) }
}
