import Testing

@testable import Alerting

struct `A fingerprint` {
    /// The values are those of prometheus/common's model.LabelSet.Fingerprint.
    @Test(arguments: [([:], "cbf29ce484222325")] as [([String: String], String)])
    func `is the one that Prometheus computes`(labels: [String: String], fingerprint: String) {
        #expect(Fingerprint.of(labels) == fingerprint)
    }

    @Test func `depends on where a name ends and its value begins, and not on the order`() {
        #expect(Fingerprint.of(["ab": "c"]) != Fingerprint.of(["a": "bc"]))
        #expect(Fingerprint.of(["a": "1", "b": "2"]) == Fingerprint.of(["b": "2", "a": "1"]))
    }
}
