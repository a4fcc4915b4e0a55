/// Random identifiers for log lines and traces.
public enum Identifiers {
    /// A W3C trace id: 32 hexadecimal digits.
    public static func traceID() -> String { hexadecimal(bytes: 16) }

    /// Names one run of the process: 12 hexadecimal digits.
    public static func runID() -> String { hexadecimal(bytes: 6) }

    private static func hexadecimal(bytes count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
