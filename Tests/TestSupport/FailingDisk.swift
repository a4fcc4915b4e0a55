import CFaults
import Foundation
import Synchronization

/// Calls to the system that fail for the files below a folder: storage, checkpoints and SQLite's own files alike (Tests/Faults).
///
/// The fault ends with the value.
public final class FailingDisk: Sendable {
    /// What the disk does wrong.
    public enum Kind: CaseIterable, Sendable, CustomStringConvertible {
        /// Nothing can be written: `EIO`.
        case doesNotWrite
        /// There is no room, from the middle of a write on: `ENOSPC`.
        case isFull
        /// It was mounted again for reading only, as ext4 does after an error: `EROFS`.
        case isReadOnly
        /// `fsync` says that what was written may not be there: `EIO`.
        case doesNotSync
        /// What is there cannot be read: `EIO`.
        case doesNotRead
        /// Nobody can say what is there: `EIO`.
        case doesNotLook

        fileprivate var plan: faults_plan {
            let changes = Int32(FAULTS_WRITE | FAULTS_NAME)
            let (calls, error): (Int32, Int32) =
                switch self {
                case .doesNotWrite: (changes, EIO)
                case .isFull: (changes, ENOSPC)
                case .isReadOnly: (changes, EROFS)
                case .doesNotSync: (Int32(FAULTS_SYNC), EIO)
                case .doesNotRead: (Int32(FAULTS_READ | FAULTS_STAT), EIO)
                case .doesNotLook: (Int32(FAULTS_STAT), EIO)
                }
            return faults_plan(calls: calls, error: error, isShort: self == .isFull ? 1 : 0, first: .max, count: .max)
        }

        public var description: String {
            switch self {
            case .doesNotWrite: "does not write"
            case .isFull: "is full"
            case .isReadOnly: "is read-only"
            case .doesNotSync: "does not sync"
            case .doesNotRead: "does not read"
            case .doesNotLook: "does not look"
            }
        }
    }

    private let process: FaultyProcess
    private let number: Int32
    private let isFailing = Mutex(true)

    /// - Parameters:
    ///   - folder: below which files are on that disk.
    ///   - first: the number of the call that fails first, from 1; nil only counts them.
    ///   - count: how many fail from there on.
    ///   - process: whose calls fail; this one, unless another is named.
    public init(_ kind: Kind, below folder: String, at first: Int? = nil, count: Int = .max, of process: FaultyProcess = .here) {
        var plan = kind.plan
        plan.first = first.map(Int64.init) ?? .max
        plan.count = Int64(count)
        self.process = process
        number = faults_arm(process.faults, folder, plan)
        precondition(number >= 0, "too many disks fail at once")
    }

    deinit { isMended() }

    /// Calls of its kind so far.
    public var seen: Int { Int(faults_seen(process.faults, number)) }
    /// How many of them failed.
    public var struck: Int { Int(faults_struck(process.faults, number)) }

    /// From now on nothing fails.
    public func isMended() {
        isFailing.withLock { isFailing in
            // Once: another disk may have the number by now.
            if isFailing { faults_disarm(process.faults, number) }
            isFailing = false
        }
    }

    /// Some of `count` calls, spread over all of them; every one with `OBS_EVERY_FAULT`, which takes minutes.
    public static func chosen(of count: Int, about number: Int) -> [Int] {
        if ProcessInfo.processInfo.environment["OBS_EVERY_FAULT"] != nil { return Array(stride(from: 1, through: count, by: 1)) }
        return Set((0..<number).map { 1 + $0 * max(0, count - 1) / max(1, number - 1) }).sorted()
    }
}

/// A process whose calls to the system can fail, and whose clock can jump.
public struct FaultyProcess: @unchecked Sendable {
    // Safe because all that changes behind the pointer is atomic.
    fileprivate let faults: OpaquePointer

    /// This one.
    public static let here = FaultyProcess(faults: faults_here())

    /// One that is started with ``environment(_:)`` of the same file.
    public init?(sharing file: String) {
        guard let faults = faults_shared(file) else { return nil }
        self.faults = faults
    }

    private init(faults: OpaquePointer) { self.faults = faults }

    /// How far its clock of the wall is ahead.
    public func setClock(ahead: Duration) {
        let (seconds, attoseconds) = ahead.components
        faults_set_clock(faults, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// What a program has to be started with; nil where the library was not built.
    ///
    /// - Parameter program: the library lies beside it.
    public static func environment(sharing file: String, beside program: String) -> [String: String]? {
        let library = URL(filePath: program).deletingLastPathComponent().appending(path: "libobs-faults.so").path
        guard FileManager.default.fileExists(atPath: library) else { return nil }
        return ["LD_PRELOAD": library, "OBS_FAULTS": file]
    }
}
