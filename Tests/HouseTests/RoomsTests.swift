import Foundation
import Testing

/// What each room may know: Package.swift and the last column of the table in ARCHITECTURE.md, held against the code.
struct `The rooms of the house` {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A target of Package.swift.
    private struct Target {
        var name: String
        /// The modules of its dependencies.
        var dependencies: Set<String>
        var folder: String
    }

    private func text(_ path: String) throws -> String { try String(contentsOf: root.appending(path: path), encoding: .utf8) }

    private func isFolder(_ path: String) -> Bool {
        (try? root.appending(path: path).resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true
    }

    private func swiftFiles(_ folder: String) -> [URL] {
        let files = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
        return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
    }

    private func targets() throws -> [Target] {
        let package = try text("Package.swift")
        var products: [String: String] = [:]
        for match in package.matches(of: #/static let (?<name>\w+) = Self\.product\(\s*name: "(?<module>\w+)"/#) {
            products[String(match.name)] = String(match.module)
        }
        let pattern =
            #/arget\(\s*name: "(?<name>[^"]+)"(?:,\s*dependencies: \[(?<dependencies>[^\]]*)\])?(?:,\s*path: "(?<path>[^"]+)")?/#
        return package.matches(of: pattern).compactMap { match in
            let name = String(match.name), list = match.dependencies.map(String.init) ?? ""
            var dependencies = Set(list.matches(of: /"([^"]+)"/).map { String($0.1) })
            for dependency in list.matches(of: /\.(\w+)/) {
                dependencies.insert(products[String(dependency.1)] ?? String(dependency.1))
            }
            let folders = [match.path.map(String.init) ?? "", "Sources/\(name)", "Tests/\(name)"]
            guard let folder = folders.first(where: { !$0.isEmpty && isFolder($0) }) else { return nil }
            return Target(name: name, dependencies: dependencies, folder: folder)
        }
    }

    /// The modules that a file imports.
    private func imports(_ file: URL) throws -> Set<String> {
        let code = try String(contentsOf: file, encoding: .utf8)
        let pattern = /^(?:@\w+ )*(?:(?:public|package|internal|private) )?import (?:(?:struct|enum|class|func) )?(?<module>\w+)/
        return Set(code.split(separator: "\n").compactMap { line in try? pattern.firstMatch(in: line).map { String($0.module) } })
    }

    /// Modules that come with the compiler.
    private static let given: Set<String> = [
        "Foundation", "FoundationEssentials", "FoundationNetworking", "Synchronization", "Dispatch", "Glibc", "Testing",
    ]

    /// A module that is imported and not declared is not built anew when it changes, and then the program has two ideas of its types.
    @Test func `import only modules that their target declares`() throws {
        let targets = try targets()
        #expect(targets.count > 20)
        for target in targets {
            for file in swiftFiles(target.folder) {
                let undeclared = try imports(file).subtracting(target.dependencies).subtracting(Self.given).subtracting([
                    target.name
                ])
                #expect(undeclared.isEmpty, "\(file.lastPathComponent) of \(target.name) imports \(undeclared.sorted())")
            }
        }
    }

    @Test func `declare only rooms that they import`() throws {
        for target in try targets() where target.folder.hasPrefix("Sources/") {
            let imported = try swiftFiles(target.folder).map(imports).reduce(Set()) { $0.union($1) }
            let unused = target.dependencies.subtracting(imported).filter { isFolder("Sources/\($0)") && $0 != "CRE2" }
            #expect(unused.isEmpty, "\(target.name) declares \(unused.sorted()) and does not import it")
        }
    }

    /// The column "deliberately does not know" of ARCHITECTURE.md: by room, the modules and words that its code must not have.
    private static let unknown: [(room: String, modules: Set<String>, words: [String])] = [
        ("Columns", ["Alerting", "Ingest", "Yams"], ["FileManager"]),
        ("Parsing", ["Ingest", "Lake", "Hummingbird"], ["FileHandle", "socket("]),
        ("Lake", ["Streaming", "Detection"], ["event_time", "Watermark"]),
        ("Ingest", ["Streaming", "Detection"], []),
        ("Streaming", ["Alerting", "Server", "Hummingbird"], ["SSHD", "sshd"]),
        ("Notify", ["Alerting", "Incidents", "Detection", "Store"], ["Incident("]),
        ("Detection", ["Alerting"], ["receiver", "Incident("]),
        ("Query", ["Server", "Hummingbird", "HTTPTypes"], ["\\u{1B}", "isatty"]),
        ("Simulation", ["Detection", "Alerting", "Streaming", "Ingest"], []),
        ("Server", ["Yams", "Streaming", "Configuration", "Jobs"], ["posix_spawn", "fork("]),
        ("Configuration", ["ServiceLifecycle", "Store", "Jobs", "Daemon", "GRDB"], [": Service ", "Workspace"]),
        ("Jobs", ["Yams", "Server", "Daemon", "Hummingbird"], [": Service ", "ServiceGroup"]),
        ("Daemon", ["Yams", "GRDB"], ["YAMLDocument"]),
        ("obs", ["Yams", "GRDB", "Hummingbird"], []),
    ]

    @Test(arguments: unknown.indices) func `do not know what ARCHITECTURE.md says that they do not`(index: Int) throws {
        let (room, modules, words) = Self.unknown[index]
        for file in swiftFiles("Sources/\(room)") {
            let known = try imports(file).intersection(modules)
            #expect(known.isEmpty, "\(room)/\(file.lastPathComponent) imports \(known.sorted())")
            let code = try Data(contentsOf: file)
            guard !code.prefix(400).contains("// Written by `make builtin`") else { continue }
            for line in code.split(separator: UInt8(ascii: "\n")) where words.contains(where: Data(line).contains) {
                let text = String(decoding: line, as: UTF8.self)
                guard let code = text.split(separator: "//", omittingEmptySubsequences: false).first else { continue }
                for word in words { #expect(!code.contains(word), "\(room)/\(file.lastPathComponent): \(text)") }
            }
        }
    }

    /// A file names each module whose members it uses, in every build; a warning is an error for those who change obs, and only for them.
    @Test func `have the compiler check imports, and warnings be errors in make and in the CI`() throws {
        let package = try text("Package.swift")
        let condition = try #require(package.range(of: "if Context.environment[\"OBS_STRICT\"]"))
        #expect(package[..<condition.lowerBound].contains(".enableUpcomingFeature(\"MemberImportVisibility\")"))
        #expect(package[condition.upperBound...].contains(".treatAllWarnings(as: .error)"))
        #expect(try text("Makefile").contains("test references: export OBS_STRICT = 1"))
        #expect(try text(".ci/run").contains("make test"))
    }

    private static let longestFile = 450
    /// Lines over 130 characters that remain: none.
    private static let longLines = 0
    /// Public declarations without a doc comment, of a hundred, that remain.
    private static let undocumented = 5.0

    @Test func `have short files and lines, and say what their public declarations are for`() throws {
        var long = 0, declarations = 0, documented = 0
        for file in swiftFiles("Sources") {
            let code = try String(contentsOf: file, encoding: .utf8)
            guard !code.contains("// Written by `make builtin`") else { continue }
            let lines = code.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= Self.longestFile + 1, "\(file.lastPathComponent) has \(lines.count) lines")
            long += lines.count { $0.unicodeScalars.count > 130 }
            for (index, line) in lines.enumerated() {
                let words = line.drop { $0 == " " }
                guard words.hasPrefix("public "), !words.hasPrefix("public import"), !words.hasPrefix("public extension") else {
                    continue
                }
                declarations += 1
                // Attributes may come between.
                let before = lines[..<index].last { !$0.drop { $0 == " " }.hasPrefix("@") } ?? ""
                if before.drop(while: { $0 == " " }).hasPrefix("///") { documented += 1 }
            }
        }
        #expect(long <= Self.longLines, "\(long) lines are over 130 characters")
        let share = 100 - 100 * Double(documented) / Double(declarations)
        #expect(share <= Self.undocumented, "\(share) % of \(declarations) public declarations have no doc comment")
    }
}

extension Data {
    fileprivate func contains(_ text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}
