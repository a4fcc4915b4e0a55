import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query

/// `obs rules recall`.
struct RulesRecallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recall", abstract: "Run the rules for sshd over simulated attacks: 0 all were found, 1 some were not.",
        discussion: """
            The log is that of 'obs simulate ssh'. Of each kind of attack it says how many there were, how many were found (a
            break-in only as critical), and the time from the first line to the finding, in steps of ten seconds. Findings about
            addresses that did not attack are on standard error.

            Examples:
              obs rules recall
              obs rules recall --seed 7 --for 24h -o markdown
            """)

    @Option(help: "The same seed gives the same log.") var seed: UInt64 = 1
    @Option(name: .customLong("for"), help: "How much time the log covers.") var length = "4h"
    @Option(help: "The time between the beginnings of two attacks.") var attackEvery = "5m"
    @OptionGroup var output: OutputOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        var options = AttackRecall.Options()
        options.seed = seed
        options.length = try Self.duration(length, "--for")
        options.attackEvery = try Self.duration(attackEvery, "--attack-every")
        let found = try AttackRecall(options, common.configuration())
        Terminal.show(found.answer, as: output.output)
        if !common.quiet { for mistake in found.mistakes { Terminal.say(mistake) } }
        let share = String(format: "%.3f", found.recall)
        guard found.recall == 1 else { throw BadFinding("some attacks were not found: recall \(share)") }
        if !common.quiet { Terminal.say("recall \(share)") }
    }

    private static func duration(_ text: String, _ option: String) throws -> Duration {
        guard let length = Duration(parsing: text), length >= .seconds(1) else {
            throw UsageError("\(option) is '\(text)'; write a duration such as 4h")
        }
        return length
    }
}
