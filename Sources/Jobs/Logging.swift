import Configuration
import Foundation
import Logging
import Telemetry

extension Configuration {
    /// The logger of a run. One-time commands report their outcome themselves and log from warnings on.
    public func logger(isService: Bool = false) -> Logger {
        let hasColor = ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
        return .onStandardError("obs", level: askedLogLevel ?? (isService ? logLevel : .warning), hasColor: hasColor)
    }
}
