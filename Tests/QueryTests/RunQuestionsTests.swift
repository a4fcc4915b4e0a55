import Columns
import GRDB
import Store
import Streaming
import TestSupport
import Testing

@testable import Query

struct `A query on runs` {
    private let folder = TemporaryFolder()
    private let questions: RunQuestions

    /// Run 1 of `rail` succeeded, run 2 of `ssh` failed, run 3 of `rail` has no end.
    init() throws {
        let store = try Store(path: folder.path + "/obs.db", migrations: RunStore.migrations)
        let runs = RunStore(store)
        for (number, pipeline) in ["rail", "ssh", "rail"].enumerated() {
            let start = Timestamp.night + .seconds(3600 * number)
            let run = try runs.begin(pipeline, number == 0 ? .schedule : .process, due: number == 0 ? .night : nil, now: start)
            if number < 2 { try runs.end(run, error: number == 1 ? "the disk is full" : nil, now: start + .milliseconds(1234)) }
        }
        let rows = [("silver.rail", 10, 8), ("bronze.rail", 10, 10), ("gold.trips", 8, 3), ("quarantine.rail", 2, 2)]
        try store.database.write { database in
            for (position, row) in rows.enumerated() {
                try database.execute(
                    sql: "INSERT INTO pipeline_run_stage VALUES (1, ?, ?, ?, ?)", arguments: [row.0, position, row.1, row.2])
            }
        }
        questions = RunQuestions(store)
    }

    private func cells(_ answer: Answer, _ names: String...) -> [[String]] {
        let columns = answer.schema.fields.map(\.name)
        return answer.rows.map { row in names.map { row[columns.firstIndex(of: $0)!].description } }
    }

    @Test func `says of each how it ended, how long it took and what went through, newest first`() throws {
        let answer = try questions.list()
        #expect(
            cells(answer, "id", "state", "seconds", "error") == [
                ["3", "unfinished", "", ""], ["2", "failed", "1.23", "the disk is full"], ["1", "ok", "1.23", ""],
            ])
        #expect(cells(answer, "lines", "events", "gold", "quarantined").last == ["10", "8", "3", "2"])
    }

    @Test func `is about one pipeline, from a time on, at most as many as asked for`() throws {
        #expect(cells(try questions.list(pipeline: "rail"), "id") == [["3"], ["1"]])
        #expect(cells(try questions.list(since: .night + .seconds(3600)), "id") == [["3"], ["2"]])
        #expect(cells(try questions.list(limit: 1), "id") == [["3"]])
        #expect(try questions.list(pipeline: "none").rows.isEmpty)
    }

    @Test func `can do without the errors when there are none`() throws {
        #expect(try questions.list(pipeline: "rail").dispensable.first == "error")
        #expect(try questions.list().dispensable.contains("error") == false)
    }

    @Test func `lists the stages of one run in their order`() throws {
        #expect(
            cells(try questions.stages(ofRun: 1), "stage", "rows_in", "rows_out") == [
                ["silver.rail", "10", "8"], ["bronze.rail", "10", "10"], ["gold.trips", "8", "3"], ["quarantine.rail", "2", "2"],
            ])
        #expect(try questions.stages(ofRun: 9).rows.isEmpty)
    }
}
