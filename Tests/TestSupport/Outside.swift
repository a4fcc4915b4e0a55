import Foundation

/// The folder of cases from outside (`OBS_CASES`), or nil where there is none: then the suites on them are skipped.
public let outsideCases: URL? = {
    let root =
        ProcessInfo.processInfo.environment["OBS_CASES"].map { URL(filePath: $0) }
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data")
    return FileManager.default.fileExists(atPath: root.path) ? root : nil
}()

/// The Python that others' libraries are asked by: `OBS_PEERS_PYTHON`, or the one of the machine.
public let peersPython = ProcessInfo.processInfo.environment["OBS_PEERS_PYTHON"] ?? "python3"

/// Whether it has all of `modules`; suites that need them are skipped otherwise.
public func peersPython(has modules: String) -> Bool {
    (try? output(of: peersPython, ["-c", "import \(modules)"]))?.status == 0
}
