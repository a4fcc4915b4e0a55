import Glibc

/// The time of day, for what leaves the process: log lines, exemplars, exported points in time.
public enum WallClock {
    /// Seconds since 1970.
    public static var now: Double { Double(microseconds) / 1e6 }

    /// Microseconds since 1970.
    public static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// RFC 3339 in UTC with milliseconds, as log lines bear it.
    static var stamp: String {
        let now = microseconds
        var seconds = time_t(now / 1_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let milliseconds = String(now / 1000 % 1000 + 1000).dropFirst()
        return
            "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
    }
}
