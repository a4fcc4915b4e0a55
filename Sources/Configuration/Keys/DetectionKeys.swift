import Detection

/// The keys of files of rules and models.
extension KeySections {
    /// The longest window of a rule.
    private static let window = KeyDeclaration.Kind.duration()
    private static let counts = 0...1_000_000_000

    private static let rule: [KeyDeclaration] = [
        .init("name", .text, required: true, "The name of the alert; unique.", example: "SSHBruteForce"),
        .init("kind", .choice(DetectionEntry.kinds), default: "rule", "The kind of detector.", example: "rule"),
        .init(
            "pipeline", .text, "The pipeline whose rows it reads; by default each that has its table and columns.",
            example: "ssh"),
        .init("table", .text, "The gold table that it reads; silver events by default.", example: "ssh_by_source"),
        .init("on", .choice(["findings"]), "Reads the findings of the other detectors of the pipeline.", example: "findings"),
        .init(
            "severity", .choice(["info", "warning", "critical"]), required: true, "The severity of the finding.",
            example: "warning"),
        .init(
            "mode", .choice(["notify", "simulate", "internal"]), default: "notify",
            "What is done with its findings: `simulate` notifies nobody, `internal` opens no incident.", example: "simulate"),
        .init("title", .text, required: true, "One line; `{column}` is filled in.", example: "\"Brute force from {source}\""),
        .init(
            "description", .text, required: true, "A sentence or two; `{column}` is filled in.",
            example: "\"{count} failures\""),
        .init("labels", .textsByName, "Constant labels of its incidents.", example: "{ technique: T1110.001 }"),
        .init("match", .matchers, "The rows that count; required without `sequence`.", example: "event=~\"failed_.*\""),
        .init("except", .sections, "Rows that do not count: matchers, lists and what is known.", example: "['user=\"monitor\"']"),
        .init(
            "group_by", .texts, "The columns that tell findings apart; `net(source)` is the network of an address.",
            example: "[source]"),
        .init("once_per", .texts, "Rows with the same values in these columns count once.", example: "[host, pid]"),
        .init("include", .texts, "Columns of the row that completes a finding, as further labels.", example: "[user]"),
        .init("within", window, default: "5m", "The time in which the rows come, at most 30d.", example: "10m"),
        .init("count", .number(counts), default: "0", "How many rows it takes.", example: "10"),
        .init("distinct", .section, "How many different values it takes.", example: "{ column: user, count: 5 }"),
        .init("then", .matchers, "A row that must follow.", example: "event=\"login\""),
        .init(
            "sequence", .sections, "Steps that come one after the other.",
            example: "[{ match: 'event=\"a\"' }, { match: 'event=\"b\"' }]"),
        .init("absent", .text, "How long a group is silent, or the row that must not be missing.", example: "10m"),
        .init("new", .section, "A value that is new for its group.", example: "{ column: source, within: 30d }"),
        .init("rate", .section, "How many times the usual rate of a group.", example: "{ times: 5, history: 7d }"),
        .init("ends", .text, "When the incident ends: `by hand`, `quiet`, or `quiet 10m`.", example: "quiet 10m"),
    ]

    private static let models: [KeyDeclaration] = [
        .init("by", .text, "Of an ensemble or a forest: the column that says what a window is about.", example: "source"),
        .init("model", .text, "Of an ensemble or a forest: the name of its model.", example: "ssh-source-windows"),
        .init(
            "features", .texts, "Of an ensemble or a forest: the columns that it looks at; all numbers by default.",
            example: "[failures]"),
        .init(
            "retrain", .section, "Of an ensemble or a forest: when it is trained anew; by default only by `obs model train`.",
            example: "{ every: 7d }"),
        .init("column", .text, "Of a series: the column of its numbers.", example: "latency_ms"),
        .init(
            "threshold", .fraction(0...1), default: "0.8", "Of a series: the score from which on a value is a finding.",
            example: "0.9"),
        .init(
            "learn", window, default: "1d",
            "Of a series, or a kind of session: how long it is known before anything of it is a finding.", example: "7d"),
        .init("event", .text, "Of a sequence: the column that says what kind of event a row is.", example: "template_id"),
        .init(
            "text", .text, "Of a sequence: the column with the event for people; the one of `event` by default.",
            example: "template"),
        .init("session", .textOrTexts, "Of a sequence: the columns that tell sessions apart.", example: "message"),
        .init(
            "keys", .texts, "Of a sequence: what the key of a session begins with in the first column of `session`.",
            example: "[\"TID \", attempt_]"),
        .init(
            "idle", window, default: "10m",
            "Of a sequence: a session is over when so much time has passed without an event of it.",
            example: "1h"),
    ]

    private static let distinct: [KeyDeclaration] = [
        .init("column", .text, required: true, "The column.", example: "user"),
        .init("count", .number(counts), required: true, "How many different values it takes.", example: "5"),
    ]

    /// A file of rules and models: a list.
    static let detections = [
        KeySection(
            .detections, "[]", meaning: "An entry of a file that `detections` names. docs/rules.md explains how rules work.",
            keys: rule + models),
        KeySection(
            .detections, "[].retrain",
            meaning: "When a model of windows is trained anew, as challenger: it is run beside the champion, and opens nothing.",
            keys: [
                .init(
                    "every", .duration(.seconds(3600) ... .days(366)), default: "7d", "How long after the last training.",
                    example: "1d"),
                .init(
                    "window", .duration(.milliseconds(1) ... .days(366)), default: "30d",
                    "How far back the windows reach that it is trained on.", example: "14d"),
                .init(
                    "hold_back", .duration(.milliseconds(1) ... .days(366)), default: "2d",
                    "So much of the newest windows is kept apart, and is what the two are compared on.", example: "1d"),
                .init(
                    "promote", .choice(["by hand", "if not worse"]), default: "by hand",
                    "Whether a challenger that is not worse there becomes the champion by itself.", example: "if not worse"),
            ]),
        KeySection(
            .detections, "[].distinct", "[].sequence[].distinct", meaning: "Different values of a column.", keys: distinct),
        KeySection(
            .detections, "[].sequence[]", meaning: "A step of a sequence.",
            keys: [
                .init("match", .matchers, required: true, "The rows of the step.", example: "event=\"a\""),
                .init("count", .number(counts), default: "1", "How many rows it takes.", example: "5"),
                .init("distinct", .section, "How many different values it takes.", example: "{ column: user, count: 5 }"),
            ]),
        KeySection(
            .detections, "[].absent", meaning: "The row that must come after one that `match` holds for.",
            keys: [
                .init("match", .matchers, required: true, "The row.", example: "event=\"ended\""),
                .init("within", window, default: "5m", "How soon it must come.", example: "2h"),
            ]),
        KeySection(
            .detections, "[].new", meaning: "A value that is new for its group.",
            keys: [
                .init("column", .text, required: true, "The column.", example: "net(source)"),
                .init("within", window, default: "30d", "How long a value is remembered.", example: "30d"),
                .init("learn", window, default: "10m", "For how long the values of a new group are learned.", example: "1d"),
            ]),
        KeySection(
            .detections, "[].rate", meaning: "A rate against the group's own history.",
            keys: [
                .init("times", .fraction(1...1e9), required: true, "How many times the usual.", example: "5"),
                .init("history", window, default: "7d", "How far back the usual reaches, about.", example: "7d"),
                .init("at_least", .number(1...1_000_000_000), default: "1", "How many rows it takes in any case.", example: "20"),
                .init("learn", window, "How long a group must be known; a seventh of the history by default.", example: "1d"),
            ]),
        KeySection(
            .detections, "[].except[]", meaning: "Rows that do not count.",
            keys: [
                .init("column", .text, "The column whose values are in a list.", example: "source"),
                .init(
                    "file", .text, "A file with a value on each line, beside the file of the rule.", example: "allow/office.txt"),
                .init("values", .texts, "The list itself.", example: "[10.0.0.0/8]"),
                .init(
                    "seen", .matchers, "Excepts what is known: a row that fulfilled these came before.", example: "event=\"ok\""),
                .init("by", .texts, "The columns that must be the same.", example: "[user]"),
                .init("within", window, default: "30d", "How long before.", example: "30d"),
                .init(
                    "after", window, default: "10m", "What came later than this before the row does not count.", example: "10m"),
                .init(
                    "unless", .section, "What keeps such a row from making anything known: guesses before it.",
                    example: "{ match: 'event=\"failed\"', by: [source], count: 6 }"),
            ]),
        KeySection(
            .detections, "[].except[].unless",
            meaning: "Rows before one that `seen` holds for, after which it makes nothing known.",
            keys: [
                .init("match", .matchers, required: true, "The rows.", example: "event=\"failed\""),
                .init("by", .texts, "The columns that must be the same.", example: "[net(source)]"),
                .init("count", .number(1...8), default: "1", "How many of them it takes.", example: "6"),
                .init(
                    "within", window, default: "12h", "A pause of this length between two of them makes them forgotten.",
                    example: "12h"),
            ]),
    ]
}

/// A file of detections is a list of entries.
extension [DetectionEntry]: DeclaredFile {
    static var declared: KeySection.File { .detections }
}
