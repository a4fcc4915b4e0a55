import Alerting
import Configuration
import Foundation
import Ingest
import TestSupport
import Testing

@testable import Jobs

struct `An obs without a configuration` {
    private let folder = TemporaryFolder()

    private func found(_ names: [String]) -> FoundSources {
        FoundSources(
            names.map { name in
                FoundSources.Candidate(
                    settings: .file("\(folder.path)/\(name)"),
                    entry: "{ name: auth, file: \(folder.path)/\(name), pipeline: ssh }")
            })
    }

    @Test func `watches the first log of log-ins that can be read, and says what it found`() throws {
        for name in ["b", "c"] { _ = FileManager.default.createFile(atPath: "\(folder.path)/\(name)", contents: nil) }
        let found = found(["a", "b", "c"])
        #expect(found.sources.map(\.settings.followedPath) == [folder.path + "/b"])
        #expect(found.sources.map(\.pipeline) == ["ssh"])
        #expect(found.findings.count == 3)
        #expect(found.findings[0].hasPrefix("\(folder.path)/a: there is no such file"))
        #expect(
            found.findings[1] == "\(folder.path)/b: is watched" && found.findings[2] == "\(folder.path)/c: could be watched too")
    }

    @Test(arguments: [["b"], ["a"]])
    func `writes down what it watches as a configuration that reads as the same`(names: [String]) throws {
        _ = FileManager.default.createFile(atPath: folder.path + "/b", contents: nil)
        let found = found(names), file = folder.path + "/obs.yaml"
        try found.configurationFile.write(toFile: file, atomically: true, encoding: .utf8)
        let configuration = try Configuration.load(file: file, dataDirectory: nil)
        #expect(configuration.sources == found.sources)
        #expect(configuration.sources.isEmpty == (names == ["a"]))
    }

    /// What a user does with it: the comments taken off.
    @Test func `shows further sources and receivers in the file that can be taken as they are`() throws {
        _ = FileManager.default.createFile(atPath: folder.path + "/b", contents: nil)
        let lines = found(["b"]).configurationFile.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var text = ""
        for line in lines {
            if line.hasPrefix("# - {"), !line.contains("web,"), !line.contains("app,") {
                text += "  " + line.dropFirst(2) + "\n"
            } else if line.hasPrefix("# alerting:") || line.hasPrefix("#   r") || line.hasPrefix("#     - {") {
                text += line.dropFirst(2) + "\n"
            } else {
                text += line + "\n"
            }
        }
        try text.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        let configuration = try Configuration.load(file: folder.path + "/obs.yaml", dataDirectory: nil)
        #expect(configuration.sources.map(\.name) == ["auth", "pushed", "orders"])
        #expect(configuration.alerting.receivers.map(\.name) == ["oncall"])
    }

    @Test func `looks at the journal first, then at the files of Debian and of Red Hat`() {
        #expect(
            FoundSources.candidates.map { $0.settings.place(of: "auth") } == [
                "journald: auth, authpriv", "/var/log/auth.log", "/var/log/secure",
            ])
        // Each entry is what its settings are.
        for candidate in FoundSources.candidates {
            let file = folder.path + "/obs.yaml"
            try? "sources:\n- \(candidate.entry)\n".write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try! Configuration.load(file: file, dataDirectory: nil).sources.map(\.settings) == [candidate.settings])
        }
    }
}
