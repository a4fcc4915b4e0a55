import ArgumentParser
import Configuration
import Jobs
import Lake
import Query

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Prove that nothing was lost.", subcommands: [VerifySource.self])

    struct VerifySource: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "source",
            abstract: "Count the lines of a source's files against bronze; exit code 1 if one is missing or there twice.",
            discussion: """
                Every file that is there is read, rotated and compressed ones too. Gaps are named by file, line and byte. Lines \
                at the end of the followed file are pending, \
                lines that retention has removed are no gap, nor are whole files from before the source was first read.

                Examples:
                  obs verify source auth
                  obs verify source auth -c /etc/obs/obs.yaml -o json
                """)
        @Argument(help: "The source, as the configuration names it.") var source: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let configuration = try common.configuration()
            guard let entry = configuration.sources.first(where: { $0.name == source }) else {
                let known = configuration.sources.map(\.name).joined(separator: ", ")
                throw UsageError(
                    "there is no source '\(source)'; \(known.isEmpty ? "the configuration has none" : "known are \(known)")")
            }
            let lake = try common.existingLake()
            let bar = ProgressBar("verifying", isQuiet: common.quiet)
            defer { bar.finish() }
            let verification = try SourceVerification(entry, configuration, lake: lake) { bar.update(bytes: $0, of: $1) }
            bar.finish()
            Terminal.show(verification.answer, as: output.output)
            if !verification.isClean { throw ExitCode(1) }
        }
    }
}
