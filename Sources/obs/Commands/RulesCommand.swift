import ArgumentParser
import Configuration
import Jobs

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Test, try, list, explain and import the rules and models that find incidents.",
        subcommands: [
            Test.self, RulesTryCommand.self, List.self, Explain.self, RulesRecallCommand.self, RulesImportCommand.self,
        ])

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Run files of tests for rules: 0 all passed, 1 some failed.",
            discussion: """
                A file has rows that come and the findings that they must lead to; docs/rules.md has its keys.

                Examples:
                  obs rules test alerts/detections/tests/*.yml
                  obs rules test -c obs.yaml rules/tests/web.yml
                """)
        @Argument(help: "Files of tests.") var files: [String]
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let tester = RuleTester(try common.configuration())
            var count = 0, failed = 0
            for file in files {
                for outcome in try tester.run(file) {
                    count += 1
                    if !outcome.isPassed { failed += 1 }
                    guard !outcome.isPassed || !common.quiet else { continue }
                    print("\(outcome.isPassed ? "ok    " : "FAILED") \(outcome.file): \(outcome.test)")
                    for difference in outcome.differences { print("         \(difference)") }
                }
            }
            guard failed == 0 else { throw BadFinding("\(failed) of \(count) tests of rules failed") }
            Terminal.say("\(count) tests of rules passed")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the rules and models, with how often each found something.",
            discussion: """
                'false_share' is the share of false positives among the incidents of the rule that somebody resolved.

                Examples:
                  obs rules list
                  obs rules list --days 7 -o json
                """)
        @Option(help: "Of how many days incidents are counted.") var days = 30
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let rules = try RuleRecords(common.configuration(), common.existingWorkspace(), days: days)
            Terminal.show(try rules.list(), as: output.output)
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain", abstract: "Say what a rule looks for, and what came of it.",
            discussion: """
                Examples:
                  obs rules explain SSHBruteForce
                  obs rules explain SSHBruteForce --days 7
                """)
        @Argument(help: "The rule.") var name: String
        @Option(help: "Of how many days incidents are counted.") var days = 30
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let rules = try RuleRecords(common.configuration(), common.existingWorkspace(), days: days)
            Terminal.show(try rules.explain(name), as: output.output)
        }
    }
}
