import Foundation
import TestSupport
import Testing
import Yams

/// The files around the code, held together.
struct `The house` {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func text(_ path: String) throws -> String { try String(contentsOf: root.appending(path: path), encoding: .utf8) }

    private func names(_ folder: String, suffix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).filter { $0.hasSuffix(suffix) }.map
        { String($0.dropLast(suffix.count)) }.sorted()
    }

    /// The rules of all files of alerts.
    private func rules() throws -> [[String: Any]] {
        try names("alerts", suffix: ".yml").flatMap { name in
            let file = try #require(try Yams.load(yaml: text("alerts/\(name).yml")) as? [String: Any])
            return try #require(file["groups"] as? [[String: Any]]).flatMap { $0["rules"] as? [[String: Any]] ?? [] }
        }
    }

    private func alerts() throws -> [String] { try rules().compactMap { $0["alert"] as? String } }

    private func detections() throws -> [String] {
        try names("alerts/detections", suffix: ".yml").flatMap { name in
            try #require(try Yams.load(yaml: text("alerts/detections/\(name).yml")) as? [[String: Any]]).compactMap {
                // What only other rules see opens no incident.
                $0["mode"] as? String == "internal" ? nil : $0["name"] as? String
            }
        }
    }

    /// Alerts that obs itself raises (`OperationsWatch`) and Prometheus does not.
    private static let own = ["ObsDeadlineMissed", "ObsRunOverdue"]

    @Test func `has a runbook for every alert and detection, and none without`() throws {
        #expect(try names("runbooks", suffix: ".md") == (alerts() + Self.own + detections()).sorted())
    }

    @Test func `has the same sections in every runbook`() throws {
        for name in try names("runbooks", suffix: ".md") {
            let lines = try text("runbooks/\(name).md").split(separator: "\n")
            #expect(lines.first == "# \(name)")
            let sections = lines.filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
            #expect(
                sections == [
                    "Meaning", "Impact", "First five minutes", "Diagnosis", "Mitigation", "Silence", "Escalation", "Related",
                ], "\(name)")
        }
    }

    @Test func `silences in a runbook what the runbook is about`() throws {
        for name in try names("runbooks", suffix: ".md") {
            for line in try text("runbooks/\(name).md").split(separator: "\n") where line.contains("silence add ") {
                // Another Alertmanager is asked only where obs itself is away.
                #expect(
                    line.hasPrefix(name == "ObsDown" ? "amtool " : "obs silence add ") && line.contains(" alertname=\(name) "),
                    "\(line)")
            }
        }
    }

    @Test func `has summary, description, severity and runbook on every alert`() throws {
        for rule in try rules() {
            guard let name = rule["alert"] as? String else { continue }
            let annotations = try #require(rule["annotations"] as? [String: String])
            for key in ["summary", "description", "runbook_url", "dashboard_url"] {
                #expect(annotations[key]?.isEmpty == false, "\(name) \(key)")
            }
            #expect(annotations["runbook_url"]?.hasSuffix("/runbooks/\(name)") == true)
            #expect(["critical", "warning", "info", "none"].contains((rule["labels"] as? [String: String])?["severity"]))
        }
    }

    @Test func `has a test in which every alert fires, and one in which it is quiet`() throws {
        let tests = try names("alerts/tests", suffix: ".yml").map { try text("alerts/tests/\($0).yml") }.joined()
        for name in try alerts() {
            #expect(tests.contains("- name: \(name) fires"), "\(name)")
            #expect(name == "Watchdog" || tests.contains("- name: \(name) is quiet just below its threshold"), "\(name)")
        }
    }

    @Test func `has dashboards that provisioning can load`() throws {
        var uids: Set<String> = []
        for name in try names("dashboards/obs", suffix: ".json") {
            let dashboard = try #require(
                try JSONSerialization.jsonObject(with: Data(text("dashboards/obs/\(name).json").utf8)) as? [String: Any])
            #expect(uids.insert(try #require(dashboard["uid"] as? String)).inserted)
            #expect(dashboard["__inputs"] == nil)
            for panel in try #require(dashboard["panels"] as? [[String: Any]]) {
                #expect((panel["description"] as? String)?.isEmpty == false, "\(name): \(panel["title"] ?? "")")
                #expect((panel["datasource"] as? [String: String])?["uid"] == "${datasource}")
            }
        }
        #expect(!uids.isEmpty)
    }

    /// Foundation's `UUID()` is all zeros when no descriptor is left to open `/dev/urandom` with.
    @Test func `takes random names from where they need no descriptor`() throws {
        let files = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        for case let file as URL in files! where file.pathExtension == "swift" {
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.contains("///") }
            #expect(!lines.contains { $0.contains("UUID()") }, "\(file.lastPathComponent): write RandomName.uuid()")
        }
    }

    /// Foundation's `Process` writes past the end of a buffer when some 1,400 files are open. The tests of the server and of the whole system run in
    /// turns of their own, with few of them.
    @Test func `starts programs without Foundation's Process where many files are open`() throws {
        for folder in ["Sources", "Tests"] {
            let files = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
            for case let file as URL in files! where file.pathExtension == "swift" && file.lastPathComponent != "HouseTests.swift"
            {
                if file.pathComponents.contains("SystemTests") || file.pathComponents.contains("ServerTests") { continue }
                let code = try String(contentsOf: file, encoding: .utf8)
                #expect(!code.contains(/\bProcess\(\)/), "\(file.lastPathComponent): write StartedProgram, or ChildProgram")
            }
        }
    }

    @Test func `starts programs while two thousand files are open`() throws {
        let null = open("/dev/null", O_RDONLY)
        let files = (0..<2000).map { _ in dup(null) }
        defer { for file in files + [null] { close(file) } }
        try #require(files.allSatisfy { $0 >= 0 }, "the tests need more open files: ulimit -n 8192, as scripts/run-tests does")
        #expect(try run("echo", ["here"]) == "here\n")
    }

    /// Whatever changes an incident goes through one place, so that its timeline, its alerts and its statistics agree.
    @Test func `writes incidents, evidence and timelines in the ledger alone`() throws {
        let statement =
            /(INSERT( OR [A-Z]+)? INTO|REPLACE INTO|UPDATE( OR [A-Z]+)?|DELETE FROM)\s+"?(incident|evidence|timeline)"?[\s(]/
        let files = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        var writers: Set<String> = []
        for case let file as URL in files! where file.pathExtension == "swift" {
            if try String(contentsOf: file, encoding: .utf8).contains(statement) { writers.insert(file.lastPathComponent) }
        }
        #expect(writers.contains("IncidentLedger.swift"))
        // Triggers of the schema count versions.
        writers.remove("IncidentSchema+Triggers.swift")
        #expect(writers.allSatisfy { $0.hasPrefix("IncidentLedger") }, "\(writers)")
    }

    /// A target that is missing stops the build of all others.
    @Test func `copies every folder of the package into its image`() throws {
        let package = try text("Package.swift"), image = try text("Dockerfile")
        let paths = package.matches(of: /path: "(\w+)\//).map { String($0.1) }
        for folder in Set(paths + ["Sources", "Tests"]) { #expect(image.contains("\nCOPY \(folder) \(folder)\n"), "\(folder)") }
    }

    @Test func `pins every image of the compose file, and opens ports on loopback only`() throws {
        let compose = try #require(try Yams.load(yaml: text("docker-compose.yml")) as? [String: Any])
        for (name, service) in try #require(compose["services"] as? [String: [String: Any]]) {
            let image = try #require(service["image"] as? String)
            #expect(image.contains(":") && !image.hasSuffix(":latest"), "\(name)")
            #expect(service["healthcheck"] != nil, "\(name)")
            for port in service["ports"] as? [String] ?? [] { #expect(port.hasPrefix("127.0.0.1:"), "\(name)") }
        }
    }
}
