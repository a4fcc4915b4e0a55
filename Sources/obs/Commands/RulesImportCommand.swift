import ArgumentParser
import Configuration
import Foundation

/// `obs rules import`.
struct RulesImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Write rules of obs for rules that others have written.", subcommands: [Sigma.self])

    struct Sigma: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sigma", abstract: "Take Sigma rules for Linux: 0 all were taken, 1 some could not be.",
            discussion: """
                Taken are rules of 'product: linux' (sshd, auth, sudo and such) and the correlations event_count, value_count,
                temporal and temporal_ordered over them. What is written on standard output is a file for 'detections:' of
                obs.yaml. What a rule of obs cannot say is named on standard error, one sentence each; the rest is taken.
                All files are read together, so that a correlation may name the rules of another file.

                Examples:
                  obs rules import sigma ssh_bruteforce.yml > rules/sigma.yml
                  obs rules import sigma sigma/*.yml > rules/sigma.yml && obs check config
                """)
        @Argument(help: "Files of Sigma rules.") var files: [String]
        @Flag(name: .shortAndLong, help: "Say nothing of what was taken.") var quiet = false

        func run() throws {
            let texts = try files.map { path in
                guard let bytes = FileManager.default.contents(atPath: path) else {
                    throw UsageError("\(path): cannot be read; name a file of Sigma rules")
                }
                return (text: String(decoding: bytes, as: UTF8.self), file: path)
            }
            let taken = try SigmaImport(texts)
            Terminal.write(taken.yaml)
            for problem in taken.problems { Terminal.say(problem) }
            guard taken.problems.isEmpty else {
                throw BadFinding("\(taken.problems.count) could not be taken, \(taken.taken) were")
            }
            if !quiet { Terminal.say("\(taken.taken) were taken") }
        }
    }
}
