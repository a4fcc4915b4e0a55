import ArgumentParser
import Configuration
import Foundation
import Jobs

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write an obs.yaml that watches the log-ins of this machine.",
        discussion: """
            It looks for systemd's journal, /var/log/auth.log and /var/log/secure, and writes the first that can be read as a \
            source, with the keys for more in comments. A file that is there is not overwritten.

            Examples:
              obs init
              obs init /etc/obs/obs.yaml
            """)

    @Argument(help: "The file to write.") var file = "obs.yaml"

    func run() throws {
        let found = FoundSources()
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw UsageError(
                errno == EEXIST
                    ? "\(file): is there already, and stays as it is; name another file, or move it away"
                    : "\(file): cannot be written: \(String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(found.configurationFile.utf8))
        for finding in found.findings { print(finding) }
        print(
            found.sources.isEmpty
                ? "\(file) is written; it has no source yet: name one, then 'obs check config -c \(file)'"
                : "\(file) is written; next: 'obs run -c \(file)'")
    }
}
