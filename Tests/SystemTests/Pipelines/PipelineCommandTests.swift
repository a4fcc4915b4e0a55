import Columns
import Foundation
@preconcurrency import GRDB
import Lake
import TestSupport
import Testing

/// Simulated hours of rail and shop in one batch; `OBS_BATCH_HOURS=24` is what the documentation states.
private let hours = Int(ProcessInfo.processInfo.environment["OBS_BATCH_HOURS"] ?? "") ?? 1

/// The commands around pipelines, with the real binary.
@Suite(.timeLimit(.minutes(10)))
struct `Pipelines from the command line` {
    private let folder = TemporaryFolder()

    private func json(_ arguments: [String]) throws -> [[String: Any]] {
        let result = try Program.run(arguments + ["-o", "json"])
        return try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]], "\(result.errors)")
    }

    private func rows(_ table: String, data: String = "data") -> Int {
        (try? Lake(root: "\(folder.path)/\(data)/lake").table(table).rowCount()) ?? 0
    }

    @Test func `hours of rail and shop go through a batch, the shop's orders from SQLite, and the runs are recorded`() throws {
        let data = ["--data-dir", folder.path + "/data"]
        for kind in ["rail", "shop"] {
            let place = folder.path + "/" + kind
            #expect(
                try Program.run([
                    "simulate", kind, "--for", "\(hours)h", "--start", "2026-11-02T00:00:00Z", "--late", "0.001", "--out", place,
                ]).status == 0)
            var inputs = try FileManager.default.contentsOfDirectory(atPath: place).filter { $0.hasSuffix(".jsonl") }.map {
                "\($0.dropLast(6))=\(place)/\($0)"
            }
            var pipeline = kind
            if kind == "shop" {
                inputs += ["products=\(place)/products", "orders=\(place)/shop.db#orders", "items=\(place)/shop.db#items"]
                try PipelineTraffic(kind: kind, folder: folder.path).configure(
                    port: freePort(), inputs: "shop", lookup: "users.jsonl")
                pipeline = "shop"
            }
            let configuration = kind == "shop" ? ["-c", folder.path + "/obs.yaml"] : []
            for _ in 0..<2 {
                let result = try Program.run(["process", "--pipeline", pipeline, "--quiet"] + configuration + data + inputs)
                #expect(result.status == 0, "\(result.errors)")
            }
        }
        // What was read once is not read again, under any kind of source.
        let runs = try json(["query", "runs"] + data)
        #expect(runs.map { $0["pipeline"] as? String } == ["shop", "shop", "rail", "rail"])
        #expect(runs.allSatisfy { $0["state"] as? String == "ok" })
        #expect(runs.map { ($0["lines"] as? Int ?? 0) > 0 } == [false, true, false, true], "\(runs)")
        for run in runs where (run["lines"] as? Int ?? 0) > 0 {
            let seconds = try #require(run["seconds"] as? Double)
            print("\(run["pipeline"]!): \(hours) h, \(run["lines"]!) lines, \(run["gold"]!) gold rows in \(seconds) s")
        }
        #expect(try rows("bronze.shop_orders") == Program.count("orders", in: folder.path + "/shop/shop.db"))
        #expect(rows("bronze.shop_products") == 60)
        for table in ["shop_orders_by_product", "shop_views_by_method", "rail_fault_risk", "rail_energy_efficiency"] {
            #expect(rows("gold.\(table)") > 0, "\(table)")
        }
    }

    @Test func `simulators write into a folder that is there, and say what is wrong with a place`() throws {
        let place = folder.path + "/out"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        for kind in PipelineTraffic.kinds {
            let made = try Program.run(["simulate", kind, "--for", "2m", "--out", place])
            #expect(made.status == 0, "\(kind): \(made.errors)")
        }
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: place))
        #expect(names.isSuperset(of: ["trips.csv", "telemetry.jsonl", "views.jsonl", "obs.jsonl", "shop.db"]), "\(names)")
        try Data().write(to: URL(filePath: folder.path + "/file"))
        let onFile = try Program.run(["simulate", "rail", "--for", "1m", "--out", folder.path + "/file"])
        #expect(onFile.status == 3)
        #expect(
            onFile.errors.contains("/file: cannot be written: it is a file, and this kind writes several; choose another place"))
        for kind in ["events", "ssh"] {
            let nowhere = try Program.run(["simulate", kind, "--for", "1m", "--out", folder.path + "/none/such/a.log"])
            #expect(nowhere.status == 3)
            #expect(
                nowhere.errors.contains("/none/such/a.log: cannot be written: No such file or directory"), "\(nowhere.errors)")
        }
    }

    private func lines(_ count: Int, user: String = "root", to name: String) throws {
        let text = (0..<count).map {
            "2026-11-02T08:00:0\($0 % 10)Z gate sshd[\($0)]: Failed password for \(user) from 192.0.2.1 port 4000 ssh2\n"
        }.joined()
        try FileManager.default.createDirectory(atPath: folder.path + "/in", withIntermediateDirectories: true)
        try text.write(toFile: folder.path + "/in/" + name, atomically: true, encoding: .utf8)
    }

    private func ready(_ port: Int) async -> Bool { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil }

    @Test func `a run with a new checkpoint reads its sources again, and one without does not`() async throws {
        let port = freePort()
        try lines(20, to: "auth.log")
        try PipelineTraffic(kind: "ssh", folder: folder.path).configure(port: port)
        for (arguments, expected) in [([], 20), ([], 20), (["--new-checkpoint", "ssh"], 40)] {
            let obs = try Program.start(["run", "-c", "obs.yaml"] + arguments, in: folder.path)
            #expect(await eventually { rows("bronze.ssh") == expected })
            #expect(await eventually { await ready(port) })
            Program.kill(obs, SIGTERM)
            #expect(rows("bronze.ssh") == expected)
        }
        let unknown = try Program.run([
            "run", "-c", folder.path + "/obs.yaml", "--data-dir", folder.path + "/data", "--new-checkpoint", "nothing",
        ])
        #expect(unknown.status == 2 || unknown.status == 3)
        #expect(unknown.errors.contains("nothing"))
    }

    @Test func `a pipeline that cannot go on is tried again while the others go on, until it can`() async throws {
        let port = freePort()
        try lines(5, to: "auth.log")
        try lines(5, to: "other.log")
        func pipeline(_ name: String, aggregate: String) throws {
            try """
            name: \(name)
            format: sshd
            commit_interval: 100ms
            windows: [{ table: \(name)_w, length: 5m, by: source, aggregates: [{ name: \(aggregate), function: count }] }]
            """.write(toFile: folder.path + "/\(name).yaml", atomically: true, encoding: .utf8)
        }
        try pipeline("good", aggregate: "n")
        try pipeline("bad", aggregate: "n")
        try """
        data_dir: data
        http: { listen: "127.0.0.1:\(port)" }
        log: { level: critical }
        pipelines: [good.yaml, bad.yaml]
        sources: [{ name: a, file: in/auth.log, pipeline: good }, { name: b, file: in/other.log, pipeline: bad }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        var obs = try Program.start(["run", "-c", "obs.yaml"], in: folder.path)
        #expect(await eventually { rows("bronze.good") == 5 && rows("bronze.bad") == 5 })
        #expect(await eventually { await ready(port) })
        Program.kill(obs, SIGTERM)

        try pipeline("bad", aggregate: "changed")
        obs = try Program.start(["run", "-c", "obs.yaml"], in: folder.path)
        defer { Program.kill(obs, SIGKILL) }
        func metric(_ name: String) async -> Double? {
            await Program.get("http://127.0.0.1:\(port)/metrics")?.split(separator: "\n").first { $0.hasPrefix(name + " ") }
                .flatMap {
                    Double($0.split(separator: " ").last ?? "")
                }
        }
        #expect(await eventually { (await metric(#"obs_pipeline_failures_total{pipeline="bad"}"#) ?? 0) >= 2 })
        #expect(await eventually { await metric(#"obs_pipeline_up{pipeline="bad"}"#) == 0 })
        #expect(await metric(#"obs_pipeline_up{pipeline="good"}"#) == 1)
        #expect(await !ready(port))
        let file = try FileHandle(forWritingTo: URL(filePath: folder.path + "/in/auth.log"))
        try file.seekToEnd()
        try file.write(
            contentsOf: Data("2026-11-02T08:00:09Z gate sshd[9]: Failed password for root from 192.0.2.1 port 4 ssh2\n".utf8))
        #expect(await eventually { rows("bronze.good") == 6 })

        try pipeline("bad", aggregate: "n")
        kill(obs.processIdentifier, SIGHUP)
        #expect(await eventually { await ready(port) })
        #expect(rows("bronze.bad") == 5)
    }

    @Test func `a scheduled pipeline runs at its times, and once for all that it missed, also before its first run`() async throws
    {
        func write(_ name: String, _ schedule: String) throws {
            try """
            name: \(name)
            format: sshd
            \(schedule)
            windows: [{ table: \(name)_w, length: 5m, by: source, aggregates: [{ name: n, function: count }] }]
            """.write(toFile: folder.path + "/\(name).yaml", atomically: true, encoding: .utf8)
        }
        try write("often", "every: 1s")
        try write("seldom", "cron: '0 0 29 feb *'")
        try lines(5, to: "a.log")
        try """
        data_dir: data
        http: { listen: "127.0.0.1:\(freePort())" }
        log: { level: critical }
        pipelines: [often.yaml, seldom.yaml]
        sources: [{ name: a, file: in/*.log, pipeline: often }, { name: b, file: in/*.log, pipeline: seldom }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        func runs(_ pipeline: String) throws -> [[String: Any]] {
            try json(["query", "runs", "--pipeline", pipeline, "--data-dir", folder.path + "/data"])
        }
        func dues(_ pipeline: String) throws -> [String] {
            try runs(pipeline).filter { $0["state"] as? String == "ok" }.compactMap { $0["due"] as? String }
        }
        var obs = try Program.start(["run", "-c", "obs.yaml"], in: folder.path)
        #expect(await eventually { rows("bronze.often") == 5 })
        try lines(7, user: "eve", to: "b.log")
        #expect(await eventually { rows("bronze.often") == 12 })
        #expect(try await eventually { try dues("often").count >= 3 })
        #expect(try runs("seldom").isEmpty && rows("bronze.seldom") == 0, "its time has not come")
        Program.kill(obs, SIGTERM)

        // As if obs had been down for years, and over several leap days.
        try await Program.database(folder.path + "/data/obs.db").write {
            try $0.execute(sql: "UPDATE pipeline_schedule SET known_since = 0 WHERE pipeline = 'seldom'")
        }
        let before = try dues("often").count
        obs = try Program.start(["run", "-c", "obs.yaml"], in: folder.path)
        #expect(await eventually { rows("bronze.seldom") == 12 })
        #expect(try await eventually { try dues("often").count >= before + 2 })
        Program.kill(obs, SIGTERM)
        let seldom = try dues("seldom")
        #expect(seldom.count == 1 && seldom[0].contains("-02-29T00:00:00"), "\(seldom)")
        let often = try dues("often")
        #expect(Set(often).count == often.count, "no time has two runs: \(often)")
        #expect(rows("bronze.often") == 12)
    }

    @Test func `the newest gold row of a key is served over HTTP`() async throws {
        let port = freePort()
        try FileManager.default.createDirectory(atPath: folder.path + "/in", withIntermediateDirectories: true)
        #expect(
            try Program.run([
                "simulate", "events", "--for", "30m", "--start", "2026-11-02T08:00:00Z", "--out", folder.path + "/in/trips.csv",
            ]).status == 0)
        try PipelineTraffic(kind: "events", folder: folder.path).configure(port: port)
        let obs = try Program.start(["run", "-c", "obs.yaml"], in: folder.path)
        defer { Program.kill(obs, SIGKILL) }
        var body = ""
        #expect(
            await eventually {
                body = await Program.get("http://127.0.0.1:\(port)/api/v1/serve/events_by_zone/airport") ?? ""
                // Not its end: that is also the end of the window before.
                return body.contains("\"window_start\":\"2026-11-02T08:20:00Z\"")
            }, "\(body)")
        let entry = try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
        #expect(entry["key"] as? String == "airport")
        let row = try #require(entry["row"] as? [String: Any])
        // The same row is the newest of the key in the analytics table, once that is committed: who asks for a key does not wait for it.
        func newestTrips() throws -> Int? {
            var newest: (start: String, trips: Int)?
            try Lake(root: folder.path + "/data/lake").table("gold.events_by_zone").scan(columns: [
                "window_start", "zone", "trips",
            ]) { batch in
                for index in 0..<batch.count {
                    let values = batch.row(index)
                    let start = values[0].description
                    if values[1].description == "airport", start > newest?.start ?? "" {
                        newest = (start, Int(values[2].description) ?? -1)
                    }
                }
                return true
            }
            return newest.map { $0.start.contains("08:20:00") ? $0.trips : nil } ?? nil
        }
        var trips: Int?
        #expect(
            try await eventually {
                trips = try newestTrips()
                return trips != nil
            })
        #expect(row["trips"] as? Int == trips && row["zone"] as? String == "airport")
        #expect(await Program.get("http://127.0.0.1:\(port)/api/v1/serve/events_by_zone/nowhere") == nil)
    }
}
