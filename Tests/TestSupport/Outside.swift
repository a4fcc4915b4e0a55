import Foundation

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// The folder of cases from outside (`OBS_CASES`), or nil where there is none: then the suites that need them are skipped.
public let outsideCases: URL? = {
    let folder =
        ProcessInfo.processInfo.environment["OBS_CASES"].map { URL(filePath: $0) }
        ?? root.deletingLastPathComponent().appending(path: "shared/data")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
}()

/// The files at `path` in the folders of cases: the project's own first (`Tests/Cases`, which every clone has), then those from outside.
public func caseFiles(_ path: String) -> [URL] {
    [root.appending(path: "Tests/Cases"), outsideCases].compactMap { $0?.appending(path: path) }
        .filter { FileManager.default.fileExists(atPath: $0.path) }
}

/// The Python that others' libraries are asked by: `OBS_PEERS_PYTHON`, or the one of the machine.
public let peersPython = ProcessInfo.processInfo.environment["OBS_PEERS_PYTHON"] ?? "python3"

/// Whether it has all of `modules`; suites that need them are skipped otherwise.
public func peersPython(has modules: String) -> Bool {
    (try? output(of: peersPython, ["-c", "import \(modules)"]))?.status == 0
}
