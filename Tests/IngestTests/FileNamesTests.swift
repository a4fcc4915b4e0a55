import Foundation
import TestSupport
import Testing

@testable import Ingest

struct `The name of a followed file` {
    private let directory = TemporaryFolder()

    private func make(_ names: [String]) throws {
        for name in names {
            let path = directory.path + "/" + name
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
    }

    private func names(_ pattern: String) -> [String] {
        FileNames.paths(directory.path + "/" + pattern).map { String($0.dropFirst(directory.path.count + 1)) }
    }

    @Test func `is itself where such a file exists, and a pattern where none does`() throws {
        try make(["app[1].log", "app1.log", "what?.log", "whats.log", "all*"])
        #expect(names("app[1].log") == ["app[1].log"])
        #expect(names("what?.log") == ["what?.log"])
        #expect(names("all*") == ["all*"])
        #expect(names("app[0-9].log") == ["app1.log"])
        #expect(names("plain.log") == ["plain.log"])
        #expect(names("none*.log") == [])
    }

    @Test func `has folders that are themselves before they are patterns`() throws {
        try make(["app[1]/a.log", "app[1]/b.log", "app1/c.log", "b*/x.log", "ba/y.log"])
        #expect(names("app[1]/*.log") == ["app[1]/a.log", "app[1]/b.log"])
        #expect(names("b*/*.log") == ["b*/x.log"])
        #expect(names("app[0-9]/*.log") == ["app1/c.log"])
    }

    @Test(arguments: [
        (
            "auth.log",
            [
                "auth.log.1", "auth.log.2.gz", "auth.log-20261120", "auth.log.old", "auth.log.gz", "auth-2026-11-26.0.log",
                "auth.1.log.xz",
            ], true
        ),
        ("auth.log", ["auth.log", "auth.logs", "auth-web.log", "auth2.log", "other.log.1", "auth"], false),
        ("log", ["log.1", "log-20261120.gz"], true),
        ("log", ["log", "logs", "x.log"], false),
        ("app.2026.log", ["app.2026.log.1"], true),
    ])
    func `tells which names its rotated files have`(log: String, others: [String], areRotated: Bool) {
        for other in others { #expect(RotatedName(of: "/var/log/" + log).matches(other) == areRotated, "\(log) \(other)") }
    }
}
