import Foundation

/// An empty folder that is removed with the value that holds it.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() {
        path = FileManager.default.temporaryDirectory.appending(path: "obs-test-\(UUID().uuidString)").path
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            preconditionFailure("tests need a folder to write to: \(error)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
