import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

/// The folder of apache/parquet-testing, or nil where it is not there.
private let corpus: URL? = {
    guard let path = ProcessInfo.processInfo.environment["OBS_PARQUET_TESTING"] else { return nil }
    return FileManager.default.fileExists(atPath: path + "/bad_data") ? URL(filePath: path) : nil
}()

@Suite(.enabled(if: corpus != nil, "there is no copy of apache/parquet-testing (OBS_PARQUET_TESTING)"))
struct `Parquet files of apache/parquet-testing` {
    private func files(_ folder: String) throws -> [URL] {
        let all = FileManager.default.enumerator(at: corpus!.appending(path: folder), includingPropertiesForKeys: nil)!
        return all.compactMap { $0 as? URL }.filter { $0.lastPathComponent.contains(".parquet") && $0.pathExtension != "json" }
            .sorted { $0.path < $1.path }
    }

    private func read(_ file: URL) throws -> [Batch] {
        let reader = try ParquetReader(LocalStorage(root: file.deletingLastPathComponent().path), file.lastPathComponent)
        return try (0..<reader.rowGroupCount).map { try reader.read(rowGroup: $0) }
    }

    /// Each file of the folders of good ones is read, or refused with the sentence that docs/parquet-corpus.md has for it.
    @Test func `are read, or refused by name as the page in docs says`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "docs/parquet-corpus.md")
        var lines: [String] = []
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        var list = ""
        for (number, file) in try (files("data") + files("shredded_variant") + files("bad_data")).enumerated() {
            let name = file.path.dropFirst(corpus!.path.count).drop { $0 == "/" }
            do {
                let batches = try read(file)
                let rows = batches.reduce(0) { $0 + $1.count }
                lines.append("| `\(name)` | read | \(rows) rows |")
                let ours = "\(folder.path)/\(number).jsonl"
                try canonicalLines(batches).write(toFile: ours, atomically: false, encoding: .utf8)
                list += "\(file.path)\t\(ours)\n"
            } catch let error as LakeError {
                lines.append(
                    "| `\(name)` | refused | \("\(error)".replacing("\(file.path): is not a readable Parquet file: ", with: "")) |"
                )
            }
        }
        if ProcessInfo.processInfo.environment["OBS_UPDATE_PAGES"] != nil {
            try corpusPage(lines).write(to: page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: page, encoding: .utf8) == corpusPage(lines))
        guard peersPython(has: "pyarrow") else { return }
        try list.write(toFile: folder.path + "/list", atomically: false, encoding: .utf8)
        let answer = try python(script: "corpus.py", [folder.path + "/list"])
        let differing = answer.split(separator: "\n").filter { !$0.contains("\tequal\t") && !$0.contains("\tnot compared\t") }
        if ProcessInfo.processInfo.environment["OBS_UPDATE_PAGES"] != nil { print(answer) }
        #expect(differing.isEmpty, "\(differing.joined(separator: "\n"))")
    }

    /// One of them is no longer bad: codes of no bits, all of them 0, which the format allows and pyarrow reads alike (the test above compares).
    @Test func `of bad data give an error and take little memory`() throws {
        for file in try files("bad_data") where file.lastPathComponent != "ARROW-GH-43605.parquet" {
            #expect(throws: LakeError.self, "\(file.lastPathComponent)") { try read(file) }
        }
        #expect(try peakMemory() < 1 << 30)
    }

    private func peakMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(whereSeparator: { !$0.isNumber })[0])) * 1024
    }

    private func corpusPage(_ lines: [String]) -> String {
        """
        # Which files of apache/parquet-testing are read

        The public corpus of odd Parquet files, file by file: read, or refused with this sentence. `OBS_PARQUET_TESTING=FOLDER swift test --filter
        ParquetCorpusConformanceCases` holds the page against the reader and, where there is a Python with pyarrow, every value that both read.
        Nested columns come as JSON; decimals, UUIDs and times of day as text.

        | file | | |
        |---|---|---|
        \(lines.joined(separator: "\n"))

        """
    }
}
