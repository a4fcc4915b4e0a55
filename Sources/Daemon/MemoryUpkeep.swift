import Foundation
import ServiceLifecycle

/// Keeps the resident memory of a stream near to what it holds.
///
/// Batches and data files come and go by the megabyte, from several threads. What glibc does by itself costs four times the heap
/// (Benchmarks/Pipeline/memory.py):
///
/// - each thread that finds the others busy gets an arena of its own, up to eight a core, and what is free in one is of no use to
///   another. Here there are as many as cores;
/// - the first large block that is freed teaches it to keep blocks up to 32 MB in the arenas, between small objects that outlive
///   them. Here blocks from ``largeBlock`` on are mapped each by itself, and are the system's again when they are freed;
/// - what is free within the arenas is kept. Here it goes back to the system every few seconds.
///
/// With another C library this does nothing.
struct MemoryUpkeep: Service {
    private static let interval = Duration.seconds(5)
    /// Below it the pages that the system clears for each block cost more than they save: a stream at full speed takes 5 % more
    /// of the processor for blocks of 1 MB, 15 % for those of 256 KB.
    private static let largeBlock: Int32 = 1 << 20

    // Functions of malloc.h, which Swift's Glibc module does not have; nil with another C library.
    // Safe because the symbols, where they are, are the functions that malloc.h declares so.
    private static let trim = symbol("malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self) }
    private static let setOption = symbol("mallopt").map { unsafeBitCast($0, to: (@convention(c) (Int32, Int32) -> Int32).self) }

    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(nil, name) }

    /// M_MMAP_THRESHOLD and M_ARENA_MAX of malloc.h.
    private enum Option {
        static let mmapThreshold: Int32 = -3
        static let arenaMax: Int32 = -8
    }

    /// Sets what must be set before there are many threads.
    init() {
        _ = Self.setOption?(Option.mmapThreshold, Self.largeBlock)
        _ = Self.setOption?(Option.arenaMax, Int32(max(2, ProcessInfo.processInfo.activeProcessorCount)))
    }

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.interval) }
            _ = Self.trim?(0)
        }
    }
}
