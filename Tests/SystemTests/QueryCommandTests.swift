import Foundation
import TestSupport
import Testing

/// `obs query` as a person and as programs see it.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct `The command obs query` {
    private let folder = TemporaryFolder()
    private var data: [String] { ["--data-dir", folder.path + "/data"] }

    /// Two attacks; the title of one begins as a formula would.
    init() throws {
        let stamp = Date.now.formatted(.iso8601)
        let log = ["192.0.2.7", "198.51.100.200"].flatMap { source in
            (0..<12).map { "\(stamp) =gate sshd[\($0)]: Failed password for root from \(source) port \(4000 + $0) ssh2\n" }
        }.joined()
        try log.write(toFile: folder.path + "/auth.log", atomically: true, encoding: .utf8)
        #expect(try Program.run(["process", folder.path + "/auth.log"] + data).status == 0)
    }

    /// Runs it on a terminal of so many columns.
    private func onTerminal(_ arguments: [String], columns: Int, environment: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let words = ([Program.path] + arguments + data).map { "'\($0.replacing("'", with: "'\\''"))'" }.joined(separator: " ")
        process.arguments = ["script", "-qec", "stty cols \(columns) rows 24; \(environment) \(words)", "/dev/null"]
        // Kept open: at the end of its input `script` leaves, sometimes before the program has spoken.
        let input = Pipe(), output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try input.fileHandleForWriting.close()
        return text.replacing("\r\n", with: "\n")
    }

    /// Gives a program what obs prints, and takes what that prints.
    private func pipe(_ arguments: [String], into program: [String]) throws -> String {
        let printed = try Program.run(arguments + data).output
        return try run(program[0], Array(program.dropFirst()), input: printed).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test(
        .enabled(
            if: ["/usr/bin/script", "/bin/script"].contains { FileManager.default.isExecutableFile(atPath: $0) },
            "there is no script"),
        arguments: [
            ["incidents"], ["incident", "1001"], ["stats"], ["stats", "--by", "day"], ["alerts"], ["runs"], ["events"], ["audit"],
            ["sql", "SELECT * FROM incident"],
        ])
    func `fits a terminal and is coloured there, unless NO_COLOR is set; in a pipe it is whole and plain`(_ question: [String])
        throws
    {
        // A table of more columns than fit even when they are cut cannot.
        let isFitted = question[0] != "sql"
        for columns in question == ["incidents"] ? [80, 140] : [80] {
            let shown = try onTerminal(["query"] + question, columns: columns, environment: "NO_COLOR=1")
            #expect(!shown.contains("\u{1B}"))
            for line in shown.split(separator: "\n") where isFitted && !line.hasPrefix("obs: ") {
                #expect(line.count <= columns, "\(line)")
            }
        }
        if question[0] == "incidents" {
            #expect(
                try onTerminal(["query"] + question, columns: 80, environment: "NO_COLOR= TERM=xterm").contains(
                    "\u{1B}[33mwarning\u{1B}[0m"))
        }
        let piped = try Program.run(["query"] + question + data)
        #expect(piped.status == 0 && !piped.output.contains("\u{1B}") && !piped.output.contains("…"), "\(piped.errors)")
    }

    @Test func `is JSON for jq and CSV for a spreadsheet's reader`() throws {
        #expect(
            try pipe(["query", "incidents", "-o", "json"], into: ["jq", "-r", "map(.id) | sort | join(\" \")"])
                == "INC-1001 INC-1002")
        #expect(try pipe(["query", "incidents", "-o", "jsonl"], into: ["jq", "-r", ".severity"]) == "warning\nwarning")
        #expect(try pipe(["query", "incident", "1001", "-o", "json"], into: ["jq", "-r", ".timeline[0].kind"]) == "opened")
        let reader = """
            import csv, sys
            rows = list(csv.reader(sys.stdin, strict=True))
            assert all(len(row) == len(rows[0]) for row in rows), rows
            print(len(rows), rows[0][0], sum(cell.startswith(("=", "+", "@")) for row in rows for cell in row))
            """
        #expect(try pipe(["query", "incidents", "-o", "csv"], into: ["python3", "-c", reader]) == "3 id 0")
        #expect(
            try pipe(
                ["query", "sql", "SELECT '=1+1' AS a, 'x,\"y\"' AS b, char(10) AS c", "-o", "csv"],
                into: ["python3", "-c", reader])
                == "2 a 0")
    }

    @Test func `refuses what cannot be with a sentence, and makes no store to answer from`() throws {
        for (arguments, part) in [
            (["incidents", "--state", "closed"], "known are open, acknowledged, resolved"),
            (["incidents", "--since", "soon"], "is not a time"),
            (["incidents", "--limit", "0"], "a number from 1 on"), (["incidents", "--cursor", "x"], "is not a cursor"),
            (["incidents", "source"], "is not a matcher"), (["incidents", "--search", "!"], "no word"),
            (["stats", "--by", "week"], "'day'"),
            (["sql", "DELETE FROM incident"], "only SELECT"), (["notifications", "--state", "x"], "known are pending"),
            (["incidents", "--watch"], "--watch needs a terminal"),
        ] {
            let result = try Program.run(["query"] + arguments + data)
            #expect(result.status == 2 && result.errors.contains(part), "\(arguments): \(result.status) \(result.errors)")
        }
        #expect(
            try Program.run(["query", "incident", "INC-9"] + data).errors
                == "obs: there is no incident INC-9; 'obs query incidents' lists those that there are\n")
        let nowhere = folder.path + "/nowhere"
        for command in [["query", "incidents"], ["query", "incident", "1001"], ["incident", "ack", "1001"]] {
            let result = try Program.run(command + ["--data-dir", nowhere])
            #expect(result.status == 2 && result.errors.contains("there is no obs.db in it"))
        }
        #expect(!FileManager.default.fileExists(atPath: nowhere))
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `has a completion script that knows its words`(shell: String) throws {
        let script = try Program.run(["--generate-completion-script", shell])
        #expect(script.status == 0)
        for word in ["incidents", "severity", "notifications", "watch"] { #expect(script.output.contains(word)) }
    }
}
