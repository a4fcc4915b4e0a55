import Columns
import Foundation
import Testing

@testable import Server

/// Rows that are sent to be scored, in the formats of MLflow.
struct `A request to score rows` {
    private func rows(_ body: String) throws -> [[Value]] {
        let request = try ScoringRequest(
            Array(body.utf8), features: ["temp", "kind"], schema: ["number: temp", "text: kind: new, old"])
        return (0..<request.rows.count).map(request.rows.row)
    }

    @Test(arguments: [
        #"{"dataframe_split": {"columns": ["kind", "more", "temp"], "data": [["old", 1, 20], [null, 2, 30.5]]}}"#,
        #"{"dataframe_records": [{"temp": 20, "kind": "old"}, {"temp": 30.5, "more": {}}]}"#,
        #"{"instances": [{"temp": 20, "kind": "old"}, {"kind": null, "temp": 30.5}]}"#,
        #"{"instances": [[20, "old"], [30.5, null]], "params": {}}"#,
        #"{"inputs": {"temp": [20, 30.5], "kind": ["old", null]}}"#,
    ]) func `is read in each of the formats`(body: String) throws {
        #expect(try rows(body) == [[.double(20), .text("old")], [.double(30.5), .null]])
    }

    @Test(arguments: [
        ("", "JSON"), ("[]", "object"), ("{}", "dataframe_split"), (#"{"dataframe_split": {"columns": ["temp"]}}"#, "data"),
        (#"{"dataframe_split": {"columns": ["temp"], "data": [[1]]}}"#, "kind"),
        (#"{"dataframe_split": {"columns": ["temp", "kind"], "data": [[1]]}}"#, "row 0"),
        (#"{"dataframe_records": [{"temp": 1, "kind": "a"}, 5]}"#, "row 1"),
        (#"{"dataframe_records": [{"temp": 1}]}"#, "kind"), (#"{"instances": [[1, "a", 3]]}"#, "2 values"),
        (#"{"instances": [["warm", "a"]]}"#, "temp"), (#"{"instances": [[[1], "a"]]}"#, "temp"),
        (#"{"inputs": {"temp": [1], "kind": []}}"#, "length"),
    ]) func `is refused with a sentence when it cannot be scored`(body: String, part: String) {
        let failure = #expect(throws: HTTPFailure.self) { _ = try rows(body) }
        #expect(failure?.code == "bad_rows" && failure?.message.contains(part) == true)
    }

    @Test func `may have ten thousand rows and no more`() throws {
        func body(_ count: Int) -> String {
            "{\"instances\":[\(Array(repeating: "[1,\"a\"]", count: count).joined(separator: ","))]}"
        }
        #expect(try rows(body(10_000)).count == 10_000)
        let failure = #expect(throws: HTTPFailure.self) { _ = try rows(body(10_001)) }
        #expect(failure?.code == "too_many_rows")
    }

    @Test(arguments: ["dataframe_split", "dataframe_records", "instances", "inputs"])
    func `is answered or refused, whatever it holds`(key: String) {
        for value in ["null", "1", "\"a\"", "[]", "{}", "[[]]", "[null]", "[{}]", "{\"columns\":[],\"data\":[]}", "[1e999]"] {
            do { _ = try rows("{\"\(key)\":\(value)}") } catch { #expect(error is HTTPFailure) }
        }
    }
}
