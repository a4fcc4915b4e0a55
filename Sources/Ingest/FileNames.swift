import Foundation

/// From a name in a configuration to files. A path that exists is itself, also with brackets in it; otherwise `*`, `?` and `[…]`
/// make a pattern of it.
public enum FileNames {
    /// The paths that `name` stands for now, sorted. A plain path stands for itself, whether there is something or not.
    public static func paths(_ name: String) -> [String] {
        guard isPattern(name) else { return [name] }
        return matches(escapingWhatExists(name))
    }

    /// Whether what `name` stands for can change, because it is not a path.
    static func isPattern(_ name: String) -> Bool {
        hasPatternCharacters(name) && !exists(name)
    }

    private static func exists(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0
    }

    private static func hasPatternCharacters(_ name: some StringProtocol) -> Bool {
        name.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
    }

    /// The folders at the start that exist as they are written are themselves: `logs/app[1]/*.log` is a pattern only from `*` on.
    private static func escapingWhatExists(_ name: String) -> String {
        var written = "", pattern = ""
        for (index, part) in name.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            if index > 0 {
                written += "/"
                pattern += "/"
            }
            written += part
            if hasPatternCharacters(part), exists(written) {
                for scalar in part.unicodeScalars {
                    if "*?[]\\".unicodeScalars.contains(scalar) { pattern.unicodeScalars.append("\\") }
                    pattern.unicodeScalars.append(scalar)
                }
            } else {
                pattern += part
            }
        }
        return pattern
    }

    private static func matches(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
