import Foundation
import NIOCore
import Parsing

@testable import Alerting
@testable import Columns
@testable import Configuration
@testable import Daemon
@testable import Detection
@testable import Incidents
@testable import Ingest
@testable import LogQL
@testable import Notify
@testable import Query
@testable import Server
@testable import Store
@testable import Streaming
@testable import Templates

/// A limit on what comes from outside, for docs/limits.md: its value is that of the code that holds it.
struct Limit {
    /// A test that goes beyond the limit.
    struct Evidence {
        /// The name of its file.
        let file: String
        let test: String
        /// What stands in it, or in the table of its cases, because it goes beyond this limit: the name of the limit, or a value.
        let mark: String

        init(_ file: String, _ test: String, _ mark: String) { (self.file, self.test, self.mark) = (file, test, mark) }
    }

    let what: String
    let value: String
    /// A key of the configuration, or where in the code it is fixed.
    let place: String
    let beyond: String
    let evidence: [Evidence]

    init(_ what: String, _ value: String, in place: String, beyond: String, _ evidence: Evidence...) {
        (self.what, self.value, self.place, self.beyond, self.evidence) = (what, value, place, beyond, evidence)
    }

    /// As the page has it.
    var row: String {
        let place = place.hasPrefix("Sources/") ? "fixed, `\(place)`" : "`\(place)`"
        let tests = evidence.map { "`\($0.file)`, \"\($0.test)\"" }.joined(separator: "; ")
        return "| \(what) | \(value) | \(place) | \(beyond) | \(tests) |"
    }

    /// Bytes in the largest unit that they are whole in.
    static func bytes(_ count: some BinaryInteger) -> String {
        let count = Int(count)
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] where count >= unit && count % unit == 0 {
            return "\(count / unit) \(name)"
        }
        return "\(number(count)) bytes"
    }

    /// With commas.
    static func number(_ count: Int) -> String {
        var text = String(count), at = text.count - 3
        while at > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: at))
            at -= 3
        }
        return text
    }
}

/// Every limit, in the order of the page. A new one is an entry here, with the test that goes beyond it.
enum Limits {
    static let all: [Limit] = [files, sockets, requests, languages, state, answers].flatMap { $0 }

    /// The page, as it is written.
    static var page: String {
        """
        # Limits on what comes from outside

        Whatever comes from a file, a socket or a person has a limit, and a test that goes beyond it. What is above a limit is refused, cut or counted, as the table says; it never ends the process, and what was good
        before it is kept. The table is made from the code by `make references`: the values are those that the code holds, and another test looks whether each test that is named goes beyond its limit.

        | what | limit | set in | beyond it | held by |
        |---|---|---|---|---|

        """ + all.map(\.row).joined(separator: "\n") + "\n"
    }

    private static let line = RawLines.maxLineLength

    private static let files: [Limit] = [
        Limit(
            "a line of a file, pushed or written to a pipe", Limit.bytes(line), in: "Sources/Parsing/RawLines.swift",
            beyond: "quarantine (`line_too_long`); beyond two it is cut in pieces that no format takes",
            .init(
                "PipelineRunnerTests", "sends the pieces of a line that is too long to quarantine, and reads the others",
                "maxLineLength"),
            .init("TextCutterTests", "has no piece of a line that is too long which could be taken for a line", "maxLineLength")),
        Limit(
            "an entry of the journal", Limit.bytes(JournalCutter.maxEntryLength),
            in: "Sources/Ingest/Journal/JournalCutter.swift",
            beyond: "its beginning, in quarantine",
            .init(
                "JournalTests", "keeps the beginning of an entry that is too long for the memory, and goes on behind it",
                "maxEntryLength")),
        Limit(
            "a field of an exported journal", Limit.bytes(JournalExport.maxValueLength),
            in: "Sources/Ingest/Journal/JournalExport.swift", beyond: "the file is read up to it, and says so",
            .init("JournalTests", "is refused where it is damaged, with a sentence", "is larger than 64 MB")),
        Limit(
            "a file of a folder", Limit.bytes(FolderSource.maxFileBytes), in: "Sources/Ingest/FolderSource.swift",
            beyond: "left out, and said",
            .init("PushedAndStoredSourcesTests", "leaves out what is too large for a record", "maxFileBytes")),
        Limit(
            "files of a folder", Limit.number(FolderSource.maxFiles), in: "Sources/Ingest/FolderSource.swift",
            beyond: "the folder is not read, and says so",
            .init(
                "PushedAndStoredSourcesTests", "is not read where it has more files than it may, and is again with fewer",
                "maxFiles) = (false, 3)")),
        Limit(
            "memory to decompress xz", Limit.bytes(XZ.memoryLimit), in: "Sources/Ingest/Compression/XZ.swift",
            beyond: "the file is not read, and says so",
            .init("FileSourceTests", "holds little memory for what a compressed file promises", "dict=1536MiB")),
        Limit(
            "a model file", Limit.bytes(ModelFile.maxSize), in: "Sources/Detection/Models/ModelFile.swift", beyond: "refused",
            .init("ModelRegistryTests", "does not read a file that is larger than a model may be", "maxSize")),
        Limit(
            "nodes of a tree of a forest", Limit.number(RandomForest.maxNodes),
            in: "Sources/Detection/Forest/RandomForest+File.swift",
            beyond: "refused",
            .init("RandomForestTests", "does not take a tree of more nodes than it may have", "maxNodes: count - 1")),
    ]

    private static let sockets: [Limit] = [
        Limit(
            "a pushed line", Limit.bytes(line), in: "Sources/Parsing/RawLines.swift",
            beyond: "refused alone, the rest of the body is taken",
            .init("PushTests", "is refused alone where it is too long for a line", "1 << 20")),
        Limit(
            "a syslog message", Limit.bytes(SyslogFraming.maxLength), in: "Sources/Ingest/Syslog/SyslogFraming.swift",
            beyond: "cut",
            .init("SyslogFramingTests", "cuts a message that is too long, and goes on behind it", "maxLength")),
        Limit(
            "digits of the length of a syslog message", "\(SyslogFraming.maxDigits)",
            in: "Sources/Ingest/Syslog/SyslogFraming.swift",
            beyond: "the connection is closed",
            .init("SyslogFramingTests", "is given up where a length is not a number", "12345678 a")),
        Limit(
            "connections of syslog", Limit.number(SyslogListener.maxConnections),
            in: "Sources/Ingest/Syslog/SyslogListener.swift",
            beyond: "the one idle longest, for a minute or more, ends with its lines on disk; else the new one is closed at once",
            .init(
                "SyslogConnectionsTests",
                "give their place to a new one when they are idle longest, and keep it while there is room", "maxConnections")),
        Limit(
            "connections of syslog of one address", Limit.number(SyslogListener.maxConnectionsPerAddress),
            in: "Sources/Ingest/Syslog/SyslogListener.swift", beyond: "the same, of that address",
            .init("SyslogConnectionsTests", "of one address take places of that address alone", "maxConnectionsPerAddress")),
        Limit(
            "a spool", Limit.bytes(Spool.Limits().maxBytes), in: "Sources/Ingest/Spool/Spool.swift",
            beyond: "429 with `Retry-After`; syslog and pipes wait",
            .init("PushedAndStoredSourcesTests", "takes nothing that is empty, too long or too much, and says why", "maxBytes"),
            .init(
                "SyslogTests", "keeps a TCP sender waiting while the spool is full, and takes all once there is room", "maxBytes")
        ),
    ]

    private static let requests: [Limit] = [
        Limit(
            "a body over HTTP", Limit.bytes(ServerConfiguration().maxBodySize), in: "http.max_body_size", beyond: "413",
            .init(
                "HTTPServerTests", "answers with a JSON error whatever is wrong, and makes no series of what a client sends",
                "413")),
        Limit(
            "a body that is decompressed", Limit.bytes(BodyCoding.maxLength), in: "Sources/Ingest/Push/BodyCoding.swift",
            beyond: "413",
            .init("PushTests", "is refused where it would fill the memory", "BodyCoding.maxLength + 1")),
        Limit(
            "bodies and answers that are held, all together", "96 MiB or two of the largest bodies",
            in: "Sources/Server/HTTPServer.swift",
            beyond: "503 with `Retry-After`",
            .init("RequestLimitsTests", "bound the bodies that are left open, and let small requests pass", "maxHeldBytes"),
            .init("RequestLimitsTests", "bound the answers that nobody reads, and end those who do not read", "maxHeldBytes")),
        Limit(
            "connections over HTTP", "a quarter of the descriptors, at most 1,024", in: "http.max_connections",
            beyond: "the one that waits longest for its client is closed, first of the address that has the most; else 503",
            .init("RequestLimitsTests", "close the connection that has waited longest when one more comes", "maxConnections: 4"),
            .init(
                "RequestLimitsTests", "refuse a connection when all are being answered, and say when to come again",
                "maxConnections: 3")),
        Limit(
            "connections over HTTP of one address, of IPv6 of a /64", "a quarter of those",
            in: "http.max_connections_per_address",
            beyond: "the one of that address that waits longest is closed; else 429",
            .init("ConnectionsTests", "are bounded, one more is told so, and other addresses have room", "perAddress: 4"),
            .init(
                "ConnectionsTests", "give way to one more of that address when they send slowly, and none of another does",
                "perAddress: 4")),
        Limit(
            "a client that sends slowly, or never ends a request",
            "\(seconds(RequestDeadlines.Limits().firstHead)) for a head, \(seconds(RequestDeadlines.Limits().body)) for a body",
            in: "Sources/Server/RequestDeadlines.swift", beyond: "closed",
            .init("HTTPServerTests", "ends a connection whose client is too slow or never done", "firstHead")),
        Limit(
            "a client that does not read its answer",
            "\(seconds(RequestDeadlines.Limits().response)), and "
                + "\(Limit.bytes(RequestDeadlines.Limits().pace.bytes)) in each \(seconds(RequestDeadlines.Limits().pace.time))",
            in: "Sources/Server/RequestDeadlines.swift", beyond: "closed",
            .init("RequestLimitsTests", "bound the answers that nobody reads, and end those who do not read", "pace.time"),
            .init("ConnectionsTests", "hold nobody up when they do not read, and end", "pace.time")),
        Limit(
            "labels and annotations of an alert", "\(Alert.maxPairs) pairs each", in: "Sources/Incidents/Alerts/Alert.swift",
            beyond: "refused alone, the other alerts are taken",
            .init(
                "MalformedAlertsTests", "is named with its place and the reason, and the others are taken in",
                "\(Alert.maxPairs) are the most")),
        Limit(
            "the value of a label; of an annotation",
            "\(Limit.bytes(Alert.maxLabelSize)); \(Limit.bytes(Alert.maxAnnotationSize))",
            in: "Sources/Incidents/Alerts/Alert.swift", beyond: "refused alone, the other alerts are taken",
            .init(
                "MalformedAlertsTests", "is named with its place and the reason, and the others are taken in",
                "\(Alert.maxLabelSize) are the most"),
            .init(
                "MalformedAlertsTests", "is named with its place and the reason, and the others are taken in",
                "\(Alert.maxAnnotationSize) are the most")),
        Limit(
            "a note on an incident", Limit.bytes(IncidentStore.maxNote), in: "Sources/Incidents/IncidentStore+Actions.swift",
            beyond: "refused",
            .init("IncidentStoreTests", "takes notes and names as long as they may be, and no longer", "maxNote")),
        Limit(
            "the name of a person", Limit.bytes(IncidentStore.maxName), in: "Sources/Incidents/IncidentStore+Actions.swift",
            beyond: "refused",
            .init("IncidentStoreTests", "takes notes and names as long as they may be, and no longer", "maxName")),
        Limit(
            "refused requests in the audit", "30 a minute, 200 bytes a text", in: "Sources/Store/Audit/RefusedRequests.swift",
            beyond: "counted in one entry",
            .init("RefusedRequestsTests", "are written once a minute each, to a limit, and the rest is counted", "perMinute: 2"),
            .init(
                "RefusedRequestsTests",
                "are cut to a line of two hundred bytes a text, and begin a new minute when the clock is set back", "perMinute: 1"
            )),
    ]

    private static let languages: [Limit] = [
        Limit(
            "depth of JSON", "\(JSONCursor.maxDepth)", in: "Sources/Columns/JSON/JSONCursor.swift", beyond: "quarantine",
            .init(
                "JSONTests", "lets nothing be nested deeper than its bound, and says at which byte",
                "more than \(JSONCursor.maxDepth) levels"),
            .init("RecordFormatTests", "nest no deeper than can be walked", "100_000")),
        Limit(
            "a configuration file: values with aliases in place", Limit.number(YAMLDocument.maxValues),
            in: "Sources/Configuration/YAMLDocument.swift", beyond: "refused",
            .init("AlertingSectionTests", "refuses a file that unfolds without end, or is nested without end", "values")),
        Limit(
            "a configuration file: depth", "\(YAMLDocument.maxDepth)", in: "Sources/Configuration/YAMLDocument.swift",
            beyond: "refused",
            .init("AlertingSectionTests", "refuses a file that unfolds without end, or is nested without end", "nested")),
        Limit(
            "a configuration file: bytes", Limit.bytes(YAMLDocument.maxLength), in: "Sources/Configuration/YAMLDocument.swift",
            beyond: "refused", .init("AlertingSectionTests", "refuses a file that is longer than it may be", "maxLength")),
        Limit(
            "a Sigma rule", Limit.bytes(SigmaImport.maxSize), in: "Sources/Configuration/Sigma/SigmaImport.swift",
            beyond: "refused",
            .init(
                "SigmaTests", "that is no YAML, or deep or long without end, is refused in a sentence", "SigmaImport.maxSize + 1")
        ),
        Limit(
            "a regular expression: bytes", Limit.bytes(RegularExpression.maxLength),
            in: "Sources/Columns/Matching/RegularExpression.swift", beyond: "refused",
            .init(
                "RegularExpressionTests", "is refused before it costs much, and is not shown whole",
                "\(RegularExpression.maxLength + 1) bytes")),
        Limit(
            "a regular expression: copies by counted repetitions", Limit.number(RegularExpression.maxRepetitions),
            in: "Sources/Columns/Matching/RegularExpression.swift", beyond: "refused",
            .init("RegularExpressionTests", "is refused before it costs much, and is not shown whole", "11000 copies")),
        Limit(
            "a regular expression: instructions", Limit.number(RegularExpression.maxProgram),
            in: "Sources/Columns/Matching/RegularExpression.swift", beyond: "refused",
            .init("RegularExpressionTests", "is refused with a sentence that says what is wrong", "too large")),
        Limit(
            "a regular expression: memory of its automata", Limit.bytes(RegularExpression.maxMemory),
            in: "Sources/Columns/Matching/RegularExpression.swift", beyond: "slower, with the same answer",
            .init("RegularExpressionTests", "gives the same answer when its automaton outgrows its memory", "automat")),
        Limit(
            "matchers of one filter: number; bytes; instructions",
            "\([Matcher].maxCount); \(Limit.bytes([Matcher].maxLength)); \(Limit.number([Matcher].maxProgram))",
            in: "Sources/Columns/Matching/MatcherLimits.swift", beyond: "refused",
            .init(
                "HostileMatchersTests", "of one silence are refused with a sentence when they are too large together",
                "[30, 101, 5000]")),
        Limit(
            "rules of `redaction`", "\(RedactionSection.maxRules)", in: "Sources/Configuration/RedactionSection.swift",
            beyond: "refused",
            .init(
                "RedactionSectionTests", "is refused where it would not do what it says",
                "\(RedactionSection.maxRules) are the most")),
        Limit(
            "a text of `redaction` in the place of a match", "100 bytes", in: "Sources/Configuration/RedactionSection.swift",
            beyond: "refused",
            .init("RedactionSectionTests", "is refused where it would not do what it says", "longer than 100 bytes")),
        Limit(
            "a statement of `obs query sql`: bytes; time; a value",
            "\(Limit.bytes(SQLQuestion.maxLength)); 10 s; \(Limit.bytes(SQLQuestion.maxValueLength))",
            in: "Sources/Query/SQLQuestion.swift",
            beyond: "broken off, and said",
            .init("SQLQuestionTests", "neither changes anything, nor opens anything, nor goes on for ever", "count: 40000")),
    ]

    private static let state: [Limit] = [
        Limit(
            "groups of a window", Limit.number(WindowDefinition.defaultMaxGroups), in: "windows[].max_groups",
            beyond: "one group `(other)`, counted",
            .init(
                "HostClocksTests", "counts the rows of the others in one group, and which those are depends on the rows alone",
                "(other)"),
            .init("SessionWindowsTests", "of too many groups are one, and are counted", "maxGroups")),
        Limit(
            "bytes of the key of a group", Limit.bytes(WindowGroups.maxKeyLength),
            in: "Sources/Streaming/Windows/WindowGroups.swift",
            beyond: "counted in the group `(other)`",
            .init("HostClocksTests", "does the same with sessions, and with names that are too long", "count: 5000")),
        Limit(
            "groups of all open windows of a pipeline", Limit.number(PipelineDefinition.defaultMaxOpenGroups),
            in: "max_open_groups",
            beyond: "the windows that are furthest ahead are given before their time, counted",
            .init(
                "OpenWindowsTests",
                "gives those that are furthest ahead before their time, keeps the others whole, and loses no row", "limit: limit")
        ),
        Limit(
            "hosts whose clocks are known, per partition", "\(HostClocks.maxHosts)",
            in: "Sources/Streaming/State/HostClocks.swift",
            beyond: "share one", .init("HostClocksTests", "are bounded in number, however many names are written", "0..<4000")),
        Limit(
            "templates of messages", Limit.number(TemplateLimits().templates), in: "Sources/Templates/TemplateLimits.swift",
            beyond: "one template for the rest",
            .init("TemplateMinerTests", "stays within its bounds whatever comes", "limits.templates")),
        Limit(
            "values that a rule has seen (`except: seen`)", Limit.number(SeenValues.maxValues),
            in: "Sources/Detection/Rules/SeenValues.swift", beyond: "those that were away longest are forgotten, counted",
            .init("SeenValuesTests", "are bounded: those that were away longest go first", "limit: 1000")),
        Limit(
            "lines of evidence of an incident", "\(IncidentLedger.maxEvidence)",
            in: "Sources/Incidents/Ledger/IncidentLedger.swift",
            beyond: "the newest are kept",
            .init(
                "IncidentLifecycleTests", "keep a bounded number of lines as evidence, however long an attack goes on",
                "== \(IncidentLedger.maxEvidence)")),
    ]

    private static let answers: [Limit] = [
        Limit(
            "the answer of `obs query sql`", Limit.bytes(64 << 20), in: "Sources/Query/SQLQuestion.swift",
            beyond: "cut, and said",
            .init("SQLQuestionTests", "gives as many bytes as an answer may have, and says so", "answerLimit")),
        Limit(
            "a statement of `POST /api/v1/sql`: time; rows; the answer; memory of SQLite",
            "\(SQLRoutes.maxSeconds) s; \(Limit.number(SQLRoutes.maxRows)); \(Limit.bytes(SQLRoutes.maxAnswer)); 256 MiB",
            in: "Sources/Server/SQLRoutes.swift", beyond: "broken off, and said",
            .init("SQLRoutesTests", "bounds statements that want too much", "zeroblob")),
        Limit(
            "statements of `POST /api/v1/sql` at a time", "\(SQLRoutes.mostAtATime)", in: "Sources/Server/SQLRoutes.swift",
            beyond: "503",
            .init("SQLRoutesTests", "runs two statements at a time, and says so to a third", "503")),
        Limit(
            "a query in LogQL: bytes; parentheses in one another; stages",
            "\(Limit.bytes(Tokens.maxLength)); \(Parser.maxDepth); \(Parser.maxStages)", in: "Sources/LogQL/Parser.swift",
            beyond: "400",
            .init("ParserTests", "is bounded in length, depth and stages", "count: 2000")),
        Limit(
            "an answer to LogQL: lines; series; points",
            "\(Limit.number(LokiParameters.maxLines)); \(Limit.number(LogLimits().series)); \(Limit.number(Steps.maxCount))",
            in: "Sources/Server/Loki/LokiParameters.swift", beyond: "400",
            .init("MetricTests", "makes a bounded number of series, points and samples", "limits.series"),
            .init("LokiRoutesTests", "refuses with a sentence", "100000")),
        Limit(
            "rows of an answer", "100", in: "--limit", beyond: "cut, and said",
            .init("EventQuestionsTests", "has the newest rows of a limit, and says that there are more", "limit")),
        Limit(
            "what a receiver answers", Limit.bytes(Courier.maxAnswer), in: "Sources/Notify/Courier/Courier.swift",
            beyond: "the rest is dropped",
            .init("IntegrationTests", "hears of an answer without end only its beginning", "maxAnswer")),
        Limit(
            "redirects in a row", "\(Courier.maxRedirects)", in: "Sources/Notify/Courier/Courier.swift", beyond: "tried again",
            .init("RedirectTests", "that never ends is given up for now", "more than 10 times")),
        Limit(
            "what a command of a secret prints", Limit.bytes(SecretCommand.outputLimit),
            in: "Sources/Notify/Settings/SecretCommand.swift", beyond: "no secret, tried again",
            .init("SecretTests", "is refused without a word of what was printed", "more than \(SecretCommand.outputLimit) bytes")),
        Limit(
            "the time of a command of a secret", "\(SecretCommand.timeLimit.components.seconds) s",
            in: "Sources/Notify/Settings/SecretCommand.swift", beyond: "no secret, tried again",
            .init("SecretTests", "is not waited for longer than its time, nor are programs that it has started", "timeLimit")),
        Limit(
            "memory that the head of an encrypted backup asks for", "1 GiB", in: "Sources/Store/SealedFile.swift",
            beyond: "refused",
            .init("SealedFileTests", "does not open when any bit of it has changed, nor by any bytes that chance makes", "0..<60")
        ),
    ]

    private static func seconds(_ time: TimeAmount) -> String { "\(time.nanoseconds / 1_000_000_000) s" }
}
