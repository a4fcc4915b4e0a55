import Foundation

/// How many files and connections the process may have open.
enum DescriptorLimit {
    /// More than obs has use for; some things of a process cost time by what it might have open.
    private static let most: rlim_t = 65_536

    /// Raises the soft limit, which is low for the sake of programs of long ago, to the hard one.
    static func raise() {
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limits = rlimit()
        guard getrlimit(kind, &limits) == 0 else { return }
        let wanted = min(limits.rlim_max, most)
        guard limits.rlim_cur < wanted else { return }
        limits.rlim_cur = wanted
        setrlimit(kind, &limits)
    }
}
