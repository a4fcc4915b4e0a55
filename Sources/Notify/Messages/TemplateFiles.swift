import Foundation

/// The partials in the files under `templates`.
enum TemplateFiles {
    static let maxFiles = 200

    /// - Throws: ``NotifierError/badValue(_:)`` for a file that cannot be read or is not Mustache. A pattern that matches no file
    ///   is not an error, as with Alertmanager.
    static func load(_ patterns: [String]) throws(NotifierError) -> MessageLibrary {
        var partials: [String: MessageTemplate] = [:]
        for path in Set(patterns.flatMap(files)).sorted() {
            guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8) else {
                throw .badValue("the template file \(path) cannot be read as text")
            }
            let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
            do {
                partials[name] = try MessageTemplate(text, isPartial: true)
            } catch {
                throw .badValue("the template file \(path) \(error)")
            }
            guard partials.count <= maxFiles else { throw .badValue("templates names more than \(maxFiles) files") }
        }
        guard !partials.isEmpty else { return .builtin }
        do {
            return try MessageLibrary(partials)
        } catch {
            throw .badValue("templates: \(error)")
        }
    }

    private static func files(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
