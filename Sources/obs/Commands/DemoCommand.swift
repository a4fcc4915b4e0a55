import Columns
import ArgumentParser
import Configuration
import Daemon
import Foundation
import Jobs

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Show obs at work on simulated traffic with attacks.",
        discussion: """
            Examples:
              obs demo --for 60s
              obs demo --data-dir /tmp/obs-demo
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .customLong("for"), help: ArgumentHelp("End by itself after this long, such as 60s.", valueName: "duration"))
    var duration: String?

    func run() async throws {
        var configuration = try common.configuration()
        if common.dataDir == nil { configuration.dataDirectory = "obs-data/demo" }
        try DataDirectory.becomeOwner(of: configuration.dataDirectory)
        let length = try duration.map { text in
            guard let length = Duration(parsing: text) else {
                throw UsageError("--for is '\(text)'; write a duration such as 60s or 5m")
            }
            return length
        }
        try await Demo(configuration, duration: length) { line in Terminal.write(line + "\n") }.run()
    }
}
