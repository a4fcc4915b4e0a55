import Columns
import Foundation
import LogQL

@testable import Configuration
@testable import Parsing
@testable import Streaming

extension FuzzTarget {
    /// What people write, or send with a request.
    static let languages: [FuzzTarget] = [
        text("matchers", [#"a="b", c!~"d|e""#, #"{a=~"x"}"#]) { text in
            guard let matchers = try? [Matcher](parsing: text) else { return }
            _ = matchers.match(["a": "b"])
        },
        text("expression", ["a > 1 and not (b == 'x' or c + 2 * d < 3)", "coalesce(a, b)"]) { text in
            guard let expression = try? Expression(text) else { return }
            // What is shown can be read again, and is the same.
            guard let again = try? Expression(expression.description) else {
                return promise(false, "'\(expression.description)' is not read again")
            }
            promise(again == expression, "'\(expression.description)' is another expression")
        },
        text(
            "pattern",
            ["a%d{ISO8601} %-5p [%t] %c - %m%n", "b%(asctime)s %(message)s", "c$remote_addr [$time_local]", "d%h %t \"%r\""]
        ) {
            text in
            guard let first = text.utf8.first else { return }
            let kind = ["log4j", "python", "nginx", "apache"][Int(first) % 4]
            let options = FormatOptions(settings: [.init(kind, String(text.dropFirst()))])
            guard
                var format = try? LogFormats.make("layout", context: ParsingContext(year: 2026, timeZone: .gmt), options: options)
            else { return }
            var builder = RawLinesBuilder()
            let line = Array("2026-11-28 10:00:00,123 INFO [main] a.b.C - text 192.0.2.7 \"GET /\" 200".utf8)
            builder.append(line.span, offset: 0, source: "s", file: "f", arrival: Timestamp(microseconds: 0))
            let lines = builder.finish()
            _ = format.parse(lines)
            _ = format.flush()
        },
        text(
            "logql",
            [
                #"{a="b"} |= "x" | json c="d[0]" | e > 5ms or f=ip("::1") | pattern "<g> <_>""#,
                #"sum by (a) (rate({a=~"b"} | logfmt | unwrap bytes(c) [1h] offset 1m)) / 2 > bool 1"#,
            ]
        ) { text in
            _ = try? LogQuery(parsing: text)
        },
        text("configuration", ["sources: [{ name: a, file: b }]\nhttp: { listen: \":1\" }\n", "data_dir: &a [*a]\n"]) { text in
            do { _ = try ConfigurationReader.read(text, path: "obs.yaml") } catch {
                promise(!"\(error)".isEmpty, "a mistake without a sentence")
            }
        },
        text("alerting", ["route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: 'http://a' }] }]\n"]) { text in
            _ = try? AlertmanagerConfiguration.read(text: text, file: "alertmanager.yml")
        },
        FuzzTarget("json-value", seeds: [#"{"a":[1,-2.5e3,"\u00e9\ud83d\ude00",null,true]}"#]) { bytes in
            guard let value = try? JSON(parsing: bytes) else { return }
            // What is written can be read again, and is the same, but for numbers that are none.
            guard let again = try? JSON(parsing: value.bytes()) else { return promise(false, "its own JSON is not read again") }
            promise(again.bytes() == value.bytes(), "other JSON when it is written again")
        },
    ]

    private static func text(_ name: String, _ seeds: [String], _ run: @escaping @Sendable (String) -> Void) -> FuzzTarget {
        FuzzTarget(name, seeds: seeds) { run(String(decoding: $0, as: UTF8.self)) }
    }
}
