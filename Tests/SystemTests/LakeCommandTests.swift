import Foundation
import TestSupport
import Testing

/// A lake that two runs of `obs process` have filled, looked at, exported, merged and emptied from the command line.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct `The command obs lake` {
    private let folder = TemporaryFolder()

    init() throws {
        for (name, seed) in [("a", "3"), ("b", "4")] {
            let log = "\(folder.path)/\(name).log"
            try Program.run(["simulate", "ssh", "--for", "10m", "--seed", seed, "--start", "2026-01-01T00:00:00Z", "--out", log])
            try Program.run(["process", log, "--data-dir", folder.path + "/data"])
        }
    }

    private func lake(_ arguments: String...) throws -> Program.Result {
        try Program.run(["lake"] + arguments + ["--data-dir", folder.path + "/data"])
    }

    private func answer(_ arguments: String...) throws -> [[String: Any]] {
        let result = try Program.run(["lake"] + arguments + ["-o", "json", "--data-dir", folder.path + "/data"])
        return try #require(JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]], "\(result.errors)")
    }

    private func rowsOfTables() throws -> [String: Int] {
        var rows: [String: Int] = [:]
        for table in try answer("tables") { rows[table["table"] as? String ?? ""] = table["rows"] as? Int }
        return rows
    }

    @Test func `lists tables and versions, and opens a table as it was`() throws {
        let rows = try rowsOfTables()
        let all = try #require(rows["silver.ssh"])
        #expect(rows["bronze.ssh"] == all && all > 1000)
        let history = try answer("history", "silver.ssh")
        #expect(history.map { $0["version"] as? Int } == [2, 1, 0])
        let added = try history.map { try #require($0["added_rows"] as? Int) }
        #expect(added.reduce(0, +) == all && added[1] > 0)
        let first = try lake("export", "silver.ssh", "--at-version", "1")
        #expect(first.output.split(separator: "\n").count == added[1])
    }

    @Test func `exports the rows that are asked for in each format`() throws {
        let lines = try lake("export", "silver.ssh", "--where", #"event="failed_password""#).output.split(separator: "\n")
        let csv = try lake("export", "silver.ssh", "-o", "csv", "--where", #"event="failed_password""#, "--columns", "user,port")
        #expect(csv.output.hasPrefix("user,port\r\n"))
        #expect(csv.output.split(separator: "\r\n").count == lines.count + 1)
        let rows = try lines.map { try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
        #expect(!rows.isEmpty && rows.allSatisfy { $0["event"] as? String == "failed_password" })
        let file = folder.path + "/silver.parquet"
        let said = try lake(
            "export", "silver.ssh", "-o", "parquet", "--to", file, "--since", "2026-01-01T00:02:00Z", "--until",
            "2026-01-01T00:04:00Z")
        #expect(said.status == 0 && said.errors.contains("rows in \(file)"))
        #expect(try Data(contentsOf: URL(filePath: file)).prefix(4) == Data("PAR1".utf8))
    }

    @Test func `merges and deletes files, and every row stays`() throws {
        let before = try rowsOfTables()
        for table in try answer("optimize") where table["table"] as? String == "silver.ssh" {
            #expect(table["removed_files"] as? Int == 2 && table["added_files"] as? Int == 1)
        }
        let planned = try answer("vacuum", "silver.ssh", "--keep", "0s", "--dry-run")
        #expect(planned.count == 2)
        #expect(try lake("vacuum", "--keep", "0s").status == 2, "less than an hour needs --force")
        #expect(try answer("vacuum", "silver.ssh").isEmpty, "young files stay")
        #expect(try answer("vacuum", "silver.ssh", "--keep", "0s", "--force").count == 2)
        #expect(try rowsOfTables() == before)
        #expect(try lake("verify").status == 0)
        let gone = try lake("export", "silver.ssh", "--at-version", "1")
        #expect(gone.status != 0 && gone.errors.contains("which is missing"))
    }

    @Test func `removes old rows by the configuration, notes it in the audit, and refuses a replay of what is gone`() throws {
        let all = try #require(try rowsOfTables()["bronze.ssh"])
        let file = folder.path + "/obs.yaml"
        try "data_dir: \(folder.path)/data\nretention:\n  tables: [{ table: bronze, max_size: 1kB }]\n".write(
            toFile: file, atomically: true, encoding: .utf8)
        #expect(try lake("retain", "-c", file, "--dry-run").errors.contains("nothing was removed"))
        #expect(try rowsOfTables()["bronze.ssh"] == all)
        let removed = try answer("retain", "-c", file)
        let only = try #require(removed.first)
        #expect(removed.map { $0["table"] as? String } == ["bronze.ssh"] && only["reason"] as? String == "size")
        #expect(try rowsOfTables()["bronze.ssh"] == all - (only["rows"] as? Int ?? 0))
        #expect(try lake("retain", "-c", file, "-o", "json").output == "[]\n")
        #expect(try lake("verify").status == 0)
        let replay = try Program.run(["replay", "--data-dir", folder.path + "/data", "--pipeline", "ssh"])
        #expect(replay.status == 3 && replay.errors.contains("bronze.ssh is whole only since"))
        let silver = try rowsOfTables()["silver.ssh"]
        #expect(silver == all, "nothing was touched")
        let accepted = try Program.run(["replay", "--data-dir", folder.path + "/data", "--pipeline", "ssh", "--accept-loss"])
        #expect(accepted.status == 0)
        #expect(try rowsOfTables()["silver.ssh"] ?? 0 < all)
    }

    @Test func `names a damaged file, and ends with 1`() throws {
        let table = folder.path + "/data/lake/silver/ssh"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: table).first { $0.hasSuffix(".parquet") })
        var bytes = try Data(contentsOf: URL(filePath: "\(table)/\(name)"))
        bytes[bytes.count / 3] ^= 0x40
        try bytes.write(to: URL(filePath: "\(table)/\(name)"))
        let verdict = try lake("verify")
        #expect(verdict.status == 1 && (verdict.output + verdict.errors).contains(name))
    }

    @Test func `says what is wrong, and changes nothing`() throws {
        let before = try rowsOfTables()
        for (arguments, reason) in [
            (["export", "silver.nope"], "there is no table 'silver.nope'"),
            (["export", "../../etc"], "'../../etc'"),
            (["export", "silver.ssh", "--where", "event"], "event"),
            (["export", "silver.ssh", "--where", #"colour="red""#], "no column 'colour'"),
            (["export", "silver.ssh", "--columns", "user,colour"], "no column 'colour'"),
            (["export", "silver.ssh", "--at-version", "77"], "version 77"),
            (["export", "silver.ssh", "-o", "xml"], "jsonl"),
            (["export", "silver.ssh", "--to", "/nowhere/x.jsonl"], "/nowhere/x.jsonl"),
            (["history", "gold.nope"], "there is no table 'gold.nope'"),
            (["optimize", "--target-size", "0"], "--target-size is 0"),
            (["vacuum", "--keep", "soon"], "--keep is 'soon'"),
        ] {
            let result = try Program.run(["lake"] + arguments + ["--data-dir", folder.path + "/data"])
            #expect(result.status != 0 && result.errors.contains(reason), "\(arguments): \(result.errors)")
            #expect(result.output.isEmpty, "\(arguments)")
        }
        #expect(try rowsOfTables() == before)
    }
}
