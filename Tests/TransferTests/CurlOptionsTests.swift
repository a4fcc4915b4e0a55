import CCurl
import Testing

@testable import Transfer

struct `The options of a transfer` {
    private func options(_ change: (inout CurlOptions) -> Void = { _ in }) -> CurlOptions {
        var options = CurlOptions()
        options.set(CURLOPT_URL, "https://example.com/")
        options.set(CURLOPT_PORT, 443)
        options.set(CURLOPT_HTTPHEADER, list: ["A: b", "C: d"])
        change(&options)
        return options
    }

    @Test func `are equal when the same is set to the same, in the same order, and nothing more`() {
        #expect(options() == options())
        #expect(options() != options { $0.set(CURLOPT_PORT, 443) })
        #expect(options { $0.set(CURLOPT_PORT, 443) } != options())
        #expect(options { $0.set(CURLOPT_PORT, 443) } != options { $0.set(CURLOPT_PORT, 80) })
        #expect(options { $0.set(CURLOPT_PORT, 443) } != options { $0.set(CURLOPT_LOCALPORT, 443) })
        #expect(options { $0.set(CURLOPT_PROXY, "a") } != options { $0.set(CURLOPT_PROXY, list: ["a"]) })
        #expect(options() != CurlOptions())
    }

    @Test(arguments: [
        (Duration.milliseconds(200), 200, 200), (.seconds(5), 5000, 5000), (.seconds(30), 5000, 30_000), (.zero, 1, 1),
        (.microseconds(10), 1, 1),
    ])
    func `give a connection five seconds at the most, and never no time at all`(timeout: Duration, connect: Int, whole: Int) {
        var options = CurlOptions()
        options.set(timeout: timeout)
        var expected = CurlOptions()
        expected.set(CURLOPT_CONNECTTIMEOUT_MS, connect)
        expected.set(CURLOPT_TIMEOUT_MS, whole)
        #expect(options == expected)
    }
}
