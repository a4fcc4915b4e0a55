import Columns
import Incidents
import Testing

@testable import Detection
@testable import Query

struct `An incident of a series` {
    private let usual = UsualRange(
        low: 90.25, high: 110, reason: "the value jumped", deviations: -7.256, since: .night - .seconds(300))

    @Test func `says what was expected, what is usual, how far from it the value was, and since when`() throws {
        let temporary = try TemporaryIncidents()
        var finding = Finding.example(at: .night)
        finding.contributions = [
            FeatureContribution(feature: "latency_ms", value: 31.5, typical: 101, share: 1, usual: usual)
        ]
        try temporary.record(finding, at: .night)
        let view = try IncidentQuestions(temporary.incidents).one("1001", now: .night)
        let sentence = "was 31.5, expected 101; usual are 90.25 to 110; the value jumped, 7.256 deviations from usual, since"
        #expect(view.text.contains(sentence))
        #expect(view.markdown.contains("`latency_ms` \(sentence)"))
        #expect(view.incident.contributions == finding.contributions)
    }

    @Test func `has what is usual behind the bars of its graph`() {
        let figures = IncidentFigures(
            table: "gold.web", subject: #"host="a""#, start: .night, length: .seconds(300),
            columns: [.init(name: "latency_ms", values: [100, nil, 220], usual: [90...110, nil, 0...440])], began: 2)
        let svg = IncidentFigures.svg([figures])
        #expect(svg.ranges(of: #"class="usual""#).count == 2)
        #expect(svg.contains("<title>usual: 90 to 110</title>"))
        // The band may reach above all values: the graph is as high as the higher of both.
        #expect(svg.contains(#"height="56"><title>usual: 0 to 440"#) && svg.contains(#"height="28"><title>"#))
    }
}
