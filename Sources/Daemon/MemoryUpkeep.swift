import Foundation
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#endif

/// Gives memory that is free within the process back to the system every few seconds.
///
/// Batches and data files come and go by the megabyte, from several threads. glibc keeps what they leave in its arenas, cut up by the small objects
/// between: without this the resident memory of a busy stream is twice that of its heap (Benchmarks/Pipeline/memory.py).
struct MemoryUpkeep: Service {
    private static let interval = Duration.seconds(5)

    func run() async throws {
        #if canImport(Glibc)
            while !Task.isShuttingDownGracefully {
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.interval) }
                malloc_trim(0)
            }
        #endif
    }
}
