import Columns
import Detection
import Foundation

/// A file of rules, read and not yet held against pipelines.
struct RuleFile {
    private let document: YAMLDocument
    let rules: [DetectionEntry]

    init(_ document: YAMLDocument) throws(ConfigurationError) {
        self.document = document
        let folder = (document.file as NSString).deletingLastPathComponent
        rules = try document.decode([DetectionEntry].self).map { entry in
            var entry = entry
            entry.settings.resolveFiles(in: folder)
            return entry
        }
    }

    /// What is wrong with the rules: names that are taken, and tables or columns that no pipeline has.
    ///
    /// - Parameter names: those that are taken; the names of these rules are afterwards.
    func mistakes(_ binding: RuleBinding, _ names: inout Set<String>) -> [ConfigurationError.Mistake] {
        var mistakes: [ConfigurationError.Mistake] = []
        for (index, rule) in rules.enumerated() {
            let place = ConfigurationKey(index)
            if !names.insert(rule.name).inserted {
                let message = "two rules are called '\(rule.name)'; rename one"
                mistakes.append(document.mistake(message, at: place, ConfigurationKey("name")))
            }
            if let problem = binding.problem(of: rule.settings) {
                mistakes.append(document.mistake(problem.message, at: place, ConfigurationKey(problem.key)))
            }
        }
        return mistakes
    }
}

extension Configuration {
    /// The rules of a file, read and checked as one that `detections:` names.
    ///
    /// - Throws: ``ConfigurationError`` with all mistakes of the file; ``UsageError`` when it cannot be read.
    public func rules(inFile path: String) throws -> [DetectionEntry] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw UsageError("\(path): cannot be read; name a file of rules")
        }
        let file = try RuleFile(YAMLDocument(String(decoding: bytes, as: UTF8.self), file: path))
        var names: Set<String> = []
        let mistakes = file.mistakes(try RuleBinding(pipelines), &names)
        guard mistakes.isEmpty else { throw ConfigurationError(mistakes) }
        return file.rules
    }

    /// The names of the pipelines that a rule looks at.
    ///
    /// - Throws: what a pipeline throws that cannot run.
    public func pipelines(of rule: any DetectorSettings) throws -> [String] { try RuleBinding(pipelines).pipelines(of: rule) }
}
