import Foundation
import ServiceLifecycle

/// Gives memory that is free within the process back to the system every few seconds.
///
/// Batches and data files come and go by the megabyte, from several threads. glibc keeps what they leave in its arenas, cut up by the small objects
/// between: without this the resident memory of a busy stream is well above its heap (Benchmarks/Pipeline/memory.py).
struct MemoryUpkeep: Service {
    private static let interval = Duration.seconds(5)

    /// glibc's, which its Swift module does not have; nil with another C library.
    private static let trim: (@convention(c) (Int) -> Int32)? = {
        // Safe because the symbol, where there is one, is the function that malloc.h declares so.
        dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self) }
    }()

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.interval) }
            _ = Self.trim?(0)
        }
    }
}
