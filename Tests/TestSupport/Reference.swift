import Foundation

/// A page that is made from the code and checked in. `make references` runs the tests with `OBS_WRITE_REFERENCES` set, which write their pages
/// instead of comparing them.
public enum Reference {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The first line in which the page at `path`, from the root of the project, differs from `text`; nil when it does not.
    public static func difference(_ path: String, _ text: String) throws -> String? {
        let file = root.appending(path: path)
        if ProcessInfo.processInfo.environment["OBS_WRITE_REFERENCES"] != nil {
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        guard let data = FileManager.default.contents(atPath: file.path) else {
            return "\(path) is missing; run 'make references'"
        }
        let known = lines(String(decoding: data, as: UTF8.self)), made = lines(text)
        guard known != made else { return nil }
        let number = zip(known, made).prefix { $0 == $1 }.count
        func line(_ lines: [Substring]) -> String { number < lines.count ? "'\(lines[number])'" : "no line" }
        return "\(path):\(number + 1) is \(line(known)), the code says \(line(made)); run 'make references'"
    }

    /// The names of the files in a folder that end in `suffix`, to find those that are left over.
    public static func files(in folder: String, suffix: String) -> Set<String> {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
        return Set(names.filter { $0.hasSuffix(suffix) })
    }

    private static func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}
