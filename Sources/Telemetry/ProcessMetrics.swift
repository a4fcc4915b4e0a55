import Columns
import Glibc

/// The `process_*` metrics that every Prometheus client has, read from `/proc` when they are scraped.
///
/// Source: Prometheus, "Writing client libraries", process metrics.
enum ProcessMetrics {
    /// Declares the metrics of the process in `registry`; they are read when it is scraped.
    static func register(in registry: MetricsRegistry) {
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        let page = Double(sysconf(Int32(_SC_PAGESIZE)))
        registry.counter("process_cpu_seconds_total", help: "User and system CPU time of the process.") {
            statFields().map { [([], ($0[11] + $0[12]) / ticks)] } ?? []
        }
        registry.gauge("process_resident_memory_bytes", help: "Resident memory of the process.") {
            statFields().map { [([], $0[21] * page)] } ?? []
        }
        registry.gauge("process_virtual_memory_bytes", help: "Virtual memory of the process.") {
            statFields().map { [([], $0[20])] } ?? []
        }
        registry.gauge("process_threads", help: "Operating system threads of the process.") {
            statFields().map { [([], $0[17])] } ?? []
        }
        registry.gauge("process_open_fds", help: "Open file descriptors.") { [([], Double(openDescriptors()))] }
        registry.gauge("process_max_fds", help: "Limit of open file descriptors.") {
            var limit = rlimit()
            return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? [([], Double(limit.rlim_cur))] : []
        }
        let start = startTime(ticks: ticks)
        registry.gauge("process_start_time_seconds", help: "When the process started, in seconds since 1970.") { [([], start)] }
    }

    /// The numbers of `/proc/self/stat` after the command's name, which may itself hold spaces: index 0 is field 3, the state.
    private static func statFields() -> [Double]? {
        guard let text = read("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[end...].dropFirst(2).split(separator: " ").map { Double($0) ?? 0 }
        return fields.count > 22 ? fields : nil
    }

    private static func startTime(ticks: Double) -> Double {
        let boot = read("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
        guard let boot, let fields = statFields() else { return Timestamp.now.secondsSince1970 }
        return boot + fields[19] / ticks
    }

    private static func openDescriptors() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = -3  // ".", ".." and the descriptor of this folder itself
        while readdir(folder) != nil { count += 1 }
        return count
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

extension MetricsRegistry {
    /// Declares the `process_*` metrics that every Prometheus client has; they are read from `/proc` when they are scraped.
    public func observeProcess() { ProcessMetrics.register(in: self) }
}
