extension KeySections {
    /// A file of a pipeline.
    static let pipelines = [
        KeySection(
            .pipeline, "", meaning: "A file that `pipelines` names. docs/pipelines/README.md explains what the parts do.",
            keys: [
                .init("name", .text, required: true, "The name of the pipeline; unique.", example: "shop"),
                .init(
                    "format", .text, "The format of the lines of a pipeline with one input; one with several has `inputs`.",
                    example: "sshd"),
                .init(
                    "columns", .sections, "The columns of a format that does not know them itself.", example: "[{ name: user }]"),
                .init("options", .textsByName, "Settings of the format.", example: "{ delimiter: tab }"),
                .init(
                    "steps", .sections, default: "[]", "What is done with the events of the one input.",
                    example: "[{ where: \"user!=''\" }]"),
                .init("inputs", .sections, "The inputs of a pipeline with several.", example: "[{ name: views, format: json }]"),
                .init(
                    "streams", .sections, default: "[]", "Streams made from inputs or from other streams.",
                    example: "[{ name: paid, from: orders }]"),
                .init(
                    "windows", .sections, default: "[]", "Tables of aggregates over windows of event time.",
                    example: "[{ table: by_user, aggregates: [] }]"),
                .init("silver", .section, "Text exports beside the silver tables.", example: "{ formats: [delta, jsonl] }"),
                .init("gold", .section, "Text exports beside the gold tables.", example: "{ formats: [delta, csv] }"),
                .init(
                    "every", .duration(.seconds(1) ... .years(10)),
                    "The pipeline runs at this interval over what has come, instead of all the time.", example: "5m"),
                .init(
                    "cron", .text, "The same by a cron expression (minute hour day month weekday, UTC).", example: "\"0 * * * *\""
                ),
                .init(
                    "commit_interval", .duration(.milliseconds(1) ... .days(1)), default: "5s",
                    "How often a stream commits what it has read and made.", example: "10s"),
                .init(
                    "allowed_lateness", .duration(.zero ... .years(10)), default: "1m",
                    "How far behind the newest event time a row may be and still be counted.", example: "10m"),
                .init(
                    "max_clock_skew", .duration(.zero ... .years(10)), default: "1h",
                    "How far ahead of its arrival the time of a row may be and still move the watermark.", example: "1m"),
                .init(
                    "idle_after", .duration(.zero ... .years(10)), default: "1m",
                    "How long nothing comes of a partition until the watermark no longer waits for it.", example: "5m"),
                .init(
                    "flush_after", .duration(.zero ... .days(1)), default: "5s",
                    "How long an event of several lines waits for its next line.", example: "1s"),
                .init(
                    "max_open_groups", .number(1...1_000_000_000), default: "2000000",
                    "How many groups all open windows of the pipeline may have together. Beyond it the windows that are "
                        + "furthest ahead are given before their time.", example: "500000"),
            ]),
        KeySection(
            .pipeline, "columns[]", "inputs[].columns[]", meaning: "A column of a format such as `json` or `csv`.",
            keys: [
                .init("name", .text, required: true, "The name of the column.", example: "order_id"),
                .init(
                    "type", .text, default: "text", "The type, such as text, int64, double, bool or timestamp.",
                    example: "int64"),
                .init("path", .text, "Where the value is in a line, if not under the name.", example: "order.id"),
                .init(
                    "required", .flag, default: "false", "Whether a line without the value goes to quarantine.", example: "true"),
            ]),
        KeySection(
            .pipeline, "inputs[]", meaning: "One of several inputs.",
            keys: [
                .init("name", .text, required: true, "The name, as sources and `from` use it.", example: "views"),
                .init("table", .text, "The table in bronze and silver; by default PIPELINE_NAME.", example: "page_views"),
                .init("format", .text, required: true, "The format of its lines.", example: "json"),
                .init(
                    "columns", .sections, "The columns of a format that does not know them itself.", example: "[{ name: user }]"),
                .init("options", .textsByName, "Settings of the format.", example: "{ delimiter: tab }"),
                .init("steps", .sections, default: "[]", "What is done with its events.", example: "[{ where: \"user!=''\" }]"),
                .init(
                    "allowed_lateness", .duration(.zero ... .years(10)), "As for the pipeline, whose value is the default.",
                    example: "10m"),
                .init(
                    "max_clock_skew", .duration(.zero ... .years(10)), "As for the pipeline, whose value is the default.",
                    example: "1m"),
            ]),
        KeySection(
            .pipeline, "streams[]", meaning: "A stream: rows of an input or another stream after some steps.",
            keys: [
                .init("name", .text, required: true, "The name.", example: "paid"),
                .init("from", .text, required: true, "The input, stream or window table that it reads.", example: "orders"),
                .init("steps", .sections, default: "[]", "What is done with the rows.", example: "[{ where: \"state='paid'\" }]"),
                .init("table", .text, "The gold table that the rows are written to; none by default.", example: "paid_orders"),
            ]),
        KeySection(
            .pipeline, "silver", "gold", meaning: "The files that are written beside the Delta tables.",
            keys: [
                .init(
                    "formats", .texts, default: "[delta]", "Of delta, jsonl and csv; delta is always written.",
                    example: "[delta, jsonl]")
            ]),
        KeySection(
            .pipeline, "windows[]",
            meaning:
                "A gold table of aggregates. `length` gives tumbling windows, with `slide` hopping ones, `gap` alone sessions.",
            keys: [
                .init("table", .text, required: true, "The gold table.", example: "by_user"),
                .init("from", .text, "The input or stream; required where the pipeline has several inputs.", example: "views"),
                .init("length", .duration(), default: "5m", "The length of a window.", example: "1h"),
                .init("slide", .duration(), "How far apart hopping windows begin.", example: "10m"),
                .init("gap", .duration(), "The pause that ends a session.", example: "30m"),
                .init("by", .textOrTexts, default: "[]", "The columns that each group has in common.", example: "[user]"),
                .init("where", .matchers, "The rows that are counted.", example: "event=\"login\""),
                .init(
                    "aggregates", .sections, required: true, "What is computed for each group.",
                    example: "[{ name: logins, function: count }]"),
                .init(
                    "max_groups", .number(1...10_000_000), default: "100000",
                    "How many groups a window may have; the rows of further groups are counted in one more, `(other)`.",
                    example: "1000000"),
            ]),
        KeySection(
            .pipeline, "windows[].aggregates[]", meaning: "A column of a window's table.",
            keys: [
                .init("name", .text, required: true, "The name of the column.", example: "p95"),
                .init(
                    "function", .text, required: true, "The function, such as count, sum, mean, quantile, top_k.",
                    example: "quantile"),
                .init("column", .text, "The column that it is computed of; count needs none.", example: "duration"),
                .init("share", .fraction(0...1), "Of a quantile: the share of values below it.", example: "0.95"),
                .init("k", .number(1...10_000), "Of top_k: how many values.", example: "10"),
                .init("where", .matchers, "The rows that this aggregate counts.", example: "state=\"failed\""),
            ]),
        KeySection(
            .pipeline, "steps[]", "inputs[].steps[]", "streams[].steps[]", meaning: "A step: one of these keys.",
            keys: [
                .init("where", .matchers, "Keeps the rows that match.", example: "user!=\"\""),
                .init("compute", .text, "Adds or replaces a column by an expression.", example: "total = price * quantity"),
                .init("select", .textOrTexts, "Keeps these columns.", example: "[event_time, user]"),
                .init("deduplicate", .textOrTexts, "Keeps the first row for each value of these columns.", example: "[order_id]"),
                .init("join", .section, "Joins the rows of another stream.", example: "{ with: users, on: user_id, within: 1h }"),
                .init("lookup", .section, "Adds columns from a reference file.", example: "{ file: vip.json, on: user_id }"),
                .init(
                    "expect", .section, "Checks the rows; `usual` alone is short for `{ name: usual, usual: {} }`.",
                    example: "{ name: has user, not_null: user }"),
                .init("score", .section, "Adds the score of a model.", example: "{ model: rail-fault-risk, column: risk }"),
                .init(
                    "templates", .section, "Adds the template of a message, and keeps a table of templates.",
                    example: "{ column: message, table: web_templates }"),
                .init("usual", .section, "Adds what is usual of a number.", example: "{ column: trips, by: [zone] }"),
            ]),
        KeySection(
            .pipeline, "steps[].join", "inputs[].steps[].join", "streams[].steps[].join",
            meaning: "A join in event time with another input or stream.",
            keys: [
                .init("with", .text, required: true, "The other input or stream.", example: "users"),
                .init("on", .textOrTexts, required: true, "The columns that are equal on both sides.", example: "[user_id]"),
                .init("within", .duration(), required: true, "How much later the other row may be.", example: "1h"),
                .init("before", .duration(), default: "0s", "How much earlier the other row may be.", example: "10m"),
                .init(
                    "kind", .choice(["inner", "left"]), default: "inner", "Whether rows without a partner are kept (left).",
                    example: "left"),
                .init(
                    "prefix", .text, "What the other side's columns are prefixed with where both have the name.", example: "user_"
                ),
            ]),
        KeySection(
            .pipeline, "steps[].lookup", "inputs[].steps[].lookup", "streams[].steps[].lookup",
            meaning: "Columns from a JSON, JSON Lines or CSV file, which is read again when it changes.",
            keys: [
                .init("file", .text, required: true, "The file, relative to the pipeline's.", example: "vip.json"),
                .init("on", .textOrTexts, required: true, "The columns that are equal.", example: "user_id"),
                .init("columns", .texts, "The columns that are added; all by default.", example: "[tier]"),
                .init(
                    "kind", .choice(["inner", "left"]), default: "left", "Whether rows without a partner are kept (left).",
                    example: "inner"),
            ]),
        KeySection(
            .pipeline, "steps[].score", "inputs[].steps[].score", "streams[].steps[].score",
            meaning: "The score of a model that `obs model train` has made.",
            keys: [
                .init("model", .text, required: true, "The name of the model.", example: "rail-fault-risk"),
                .init("column", .text, required: true, "The column that the score is written to.", example: "risk"),
            ]),
        KeySection(
            .pipeline, "steps[].templates", "inputs[].steps[].templates", "streams[].steps[].templates",
            meaning: "What messages say without their numbers and names (docs/pipelines/README.md, \"Templates\").",
            keys: [
                .init("column", .text, required: true, "The text column with the message.", example: "message"),
                .init("as", .text, default: "template_id", "The column that the id is written to.", example: "message_id"),
                .init("text", .text, "The column that the template itself is written to; none by default.", example: "template"),
                .init(
                    "table", .text, required: true, "The gold table of templates; the rows per template are in NAME_counts.",
                    example: "web_templates"),
                .init("where", .matchers, "The rows that get a template; all by default.", example: "level=\"error\""),
                .init("drop", .flag, default: "false", "Whether the message goes no further.", example: "true"),
            ]),
        KeySection(
            .pipeline, "steps[].usual", "inputs[].steps[].usual", "streams[].steps[].usual",
            meaning: "What was expected of a number, the range that it usually is in, and how unusual it is.",
            keys: [
                .init("column", .text, required: true, "The column of the numbers.", example: "trips"),
                .init("by", .texts, "A series for each combination of values; one of all rows by default.", example: "[zone]"),
            ]),
        KeySection(
            .pipeline, "steps[].expect", "inputs[].steps[].expect", "streams[].steps[].expect",
            meaning: "An expectation: a name and one check.",
            keys: [
                .init("name", .text, required: true, "The name in metrics and reports.", example: "has user"),
                .init(
                    "action", .choice(["warn", "drop", "fail"]), default: "warn",
                    "What happens to rows that break it: counted, put into quarantine, or the pipeline stops.", example: "drop"),
                .init("not_null", .text, "The column has a value.", example: "user"),
                .init("range", .section, "The column is within bounds.", example: "{ column: price, from: 0 }"),
                .init(
                    "in_set", .section, "The column has one of some values.", example: "{ column: state, values: [open, paid] }"),
                .init(
                    "matches", .section, "The column matches a regular expression.",
                    example: "{ column: id, pattern: \"[0-9]+\" }"),
                .init(
                    "unique_in_window", .section, "The columns are unique within a time.",
                    example: "{ columns: id, within: 1h }"),
                .init("fresh_within", .duration(), "The newest row is not older than this.", example: "10m"),
                .init("row_count", .section, "How many rows a commit has.", example: "{ from: 1 }"),
                .init(
                    "usual", .section, "The rows are as at the same hour of other days and weeks; learned.",
                    example: "{ every: 15m }"),
            ]),
        KeySection(
            .pipeline, "steps[].expect.range", "inputs[].steps[].expect.range", "streams[].steps[].expect.range",
            meaning: "Bounds of a number; both are allowed values.",
            keys: [
                .init("column", .text, required: true, "The column.", example: "price"),
                .init(
                    "from", .fraction(-.greatestFiniteMagnitude ... .greatestFiniteMagnitude), "The least value.", example: "0"),
                .init(
                    "to", .fraction(-.greatestFiniteMagnitude ... .greatestFiniteMagnitude), "The greatest value.",
                    example: "1000"),
            ]),
        KeySection(
            .pipeline, "steps[].expect.in_set", "inputs[].steps[].expect.in_set", "streams[].steps[].expect.in_set",
            meaning: "Values that are allowed.",
            keys: [
                .init("column", .text, required: true, "The column.", example: "state"),
                .init("values", .texts, required: true, "The values.", example: "[open, paid]"),
            ]),
        KeySection(
            .pipeline, "steps[].expect.matches", "inputs[].steps[].expect.matches", "streams[].steps[].expect.matches",
            meaning: "A pattern of the whole value.",
            keys: [
                .init("column", .text, required: true, "The column.", example: "id"),
                .init("pattern", .text, required: true, "A regular expression (RE2).", example: "\"[0-9]+\""),
            ]),
        KeySection(
            .pipeline, "steps[].expect.unique_in_window", "inputs[].steps[].expect.unique_in_window",
            "streams[].steps[].expect.unique_in_window", meaning: "Values that come once within a time.",
            keys: [
                .init("columns", .textOrTexts, required: true, "The columns.", example: "order_id"),
                .init("within", .duration(), required: true, "The time.", example: "1h"),
            ]),
        KeySection(
            .pipeline, "steps[].expect.usual", "inputs[].steps[].expect.usual", "streams[].steps[].expect.usual",
            meaning: "What is learned of the rows, and expected of those to come.",
            keys: [
                .init(
                    "every", .duration(.seconds(60) ... .days(1)), default: "1h",
                    "Rows of so much event time are measured together.", example: "15m"),
                .init(
                    "columns", .textOrTexts, default: "[]",
                    "The columns whose nulls and different values are counted; all by default, 64 at the most.",
                    example: "[user, price]"),
                .init(
                    "of", .texts, default: "[volume, freshness, nulls, distinct]", "What is measured.",
                    example: "[volume, freshness]"),
            ]),
        KeySection(
            .pipeline, "steps[].expect.row_count", "inputs[].steps[].expect.row_count", "streams[].steps[].expect.row_count",
            meaning: "Bounds of the rows of a commit; both are allowed values.",
            keys: [
                .init("from", .number(0...Int.max), "The least count.", example: "1"),
                .init("to", .number(0...Int.max), "The greatest count.", example: "100000"),
            ]),
    ]
}
