import Columns
import Foundation
import Lake
import Synchronization

/// The rows of one table in a range of times, in the order in which they were written, read ahead by a thread of their own: the
/// next row group is decoded while the one before it is looked at.
final class StoredRows: Sendable {
    /// What the reading thread and the one that asks share.
    private struct State {
        var batches: [Batch] = []
        var failure: (any Error)?
        var isDone = false
        var isAbandoned = false
        var bytes: (done: Int64, total: Int64) = (0, 0)
    }

    private let state = Mutex(State())
    private let filled = DispatchSemaphore(value: 0)
    /// Row groups that may wait; each is up to some ten megabytes.
    private let free = DispatchSemaphore(value: 2)

    /// - Parameters:
    ///   - columns: those to read; one that the table lacks is left out.
    ///   - time: the column that `range` is about.
    init(_ table: DeltaTable, columns: [String], time: String, in range: ClosedRange<Timestamp>) {
        Thread.detachNewThread { [self] in
            do {
                try table.scan(
                    columns: columns, times: (time, range),
                    progress: { done, total in state.withLock { $0.bytes = (done, total) } }
                ) { batch in put(batch.within(range, of: time)) }
            } catch {
                state.withLock { $0.failure = error }
            }
            state.withLock { $0.isDone = true }
            filled.signal()
        }
    }

    /// - Returns: whether there is somebody who wants more.
    private func put(_ batch: Batch) -> Bool {
        guard !batch.isEmpty else { return state.withLock { !$0.isAbandoned } }
        free.wait()
        let isWanted = state.withLock { state in
            state.batches.append(batch)
            return !state.isAbandoned
        }
        filled.signal()
        return isWanted
    }

    /// The next rows; nil at the end. One thread asks.
    func next() throws -> Batch? {
        filled.wait()
        let (batch, failure) = state.withLock { state in
            (state.batches.isEmpty ? nil : state.batches.removeFirst(), state.batches.isEmpty ? state.failure : nil)
        }
        if batch == nil {
            // Whoever asks again gets the same.
            filled.signal()
            if let failure { throw failure }
        } else {
            free.signal()
        }
        return batch
    }

    /// Says that nothing more is wanted: the reading ends.
    func abandon() {
        state.withLock { $0.isAbandoned = true }
        free.signal()
    }

    /// How far the reading is, in bytes of files.
    var progress: (done: Int64, total: Int64) { state.withLock(\.bytes) }
}

extension Batch {
    /// The rows whose time is in `range`; rows without a time are none of them.
    fileprivate func within(_ range: ClosedRange<Timestamp>, of column: String) -> Batch {
        guard let times = self[column], case .int64(let all) = times.values else { return self }
        let low = range.lowerBound.microseconds, high = range.upperBound.microseconds
        let first = times.range.lowerBound
        // Fast path: most row groups lie within the range.
        guard times.nullCount > 0 || all[times.range].contains(where: { $0 < low || $0 > high }) else { return self }
        return gather((0..<count).filter { !times.isNull(at: $0) && (low...high).contains(all[first + $0]) })
    }
}
