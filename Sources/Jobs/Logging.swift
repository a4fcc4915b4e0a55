import Configuration
import Foundation
import Logging
import Telemetry

extension Configuration {
    /// What a run logs with, and the one-time commands, which say their outcome otherwise, from warnings on.
    public func logger(isService: Bool = false) -> Logger {
        let level = isService ? logLevel : .warning
        return .obs("obs", level: askedLogLevel ?? level, runID: Identifiers.runID())
    }
}

extension Logger {
    /// A logger that writes to standard error: for a person on a terminal, JSON otherwise.
    fileprivate static func obs(_ label: String, level: Logger.Level, runID: String) -> Logger {
        Logger(label: label) { label in
            let output = LogOutput.standardError
            if output.isTerminal {
                let hasColor = ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
                return TerminalLogHandler(level: level, output: output, hasColor: hasColor)
            }
            var handler = JSONLogHandler(label: label, level: level, output: output)
            handler[metadataKey: "run_id"] = "\(runID)"
            return handler
        }
    }
}
