import Columns

/// Layouts that have a name of their own in `format:`.
enum LayoutPresets {
    /// In which notation a layout is written; also the name of the option that takes one.
    enum Notation: String, CaseIterable {
        case log4j, logback, python, nginx, apache, regex
    }

    struct Preset {
        let name: String
        var aliases: [String] = []
        /// Of which the first that fits a line counts; empty where ``reader`` is it.
        var layouts: [(Notation, String)] = []
        var reader: LayoutReader?
        /// Of a `regex`, how its time is written.
        var timeFormat: String?
        /// Whether lines that do not begin an event belong to the one before.
        var isMultiline = true
        let sample: String
    }

    static let combined = #"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#

    /// In the order in which `auto` tries them: the strict ones first, because the loose ones (`go`, `java`, `syslog`) would
    /// otherwise take their lines.
    static let all: [Preset] = [
        Preset(
            name: "combined", layouts: [(.apache, combined)], isMultiline: false,
            sample: #"192.0.2.7 - alice [26/Nov/2026:10:00:00 +0100] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8.5""#),
        Preset(
            name: "common", layouts: [(.apache, #"%h %l %u %t "%r" %>s %b"#)], isMultiline: false,
            sample: #"192.0.2.7 - - [26/Nov/2026:10:00:00 +0100] "GET / HTTP/1.0" 404 -"#),
        Preset(
            name: "haproxy", layouts: [(.regex, haproxyHTTP), (.regex, haproxyTCP)], timeFormat: "%d/%b/%Y:%H:%M:%S.%f",
            isMultiline: false,
            sample: "Nov 26 10:00:00 gate haproxy[14389]: 192.0.2.7:33317 [26/Nov/2026:10:00:00.655] http-in static/srv1 "
                + #"10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {www.example.com} {} "GET /index.html HTTP/1.1""#),
        Preset(
            name: "nginx_error", layouts: [(.log4j, "%d{yyyy/MM/dd HH:mm:ss} [%p] %pid#%tid: %m")],
            sample: "2026/11/26 10:00:00 [error] 1234#5678: *9 open() \"/srv/x\" failed (2: No such file or directory)"),
        Preset(
            name: "apache_error",
            layouts: [
                (.regex, apacheError24), (.log4j, "[%d{EEE MMM d HH:mm:ss yyyy}] [%p] %m"),
                (.log4j, "[%d{EEE MMM d HH:mm:ss.SSSSSS yyyy}] [%p] %m"),
            ], timeFormat: "EEE MMM d HH:mm:ss.SSSSSS yyyy",
            sample:
                "[Thu Nov 26 10:00:00.652118 2026] [core:error] [pid 8777:tid 4326490] [client 192.0.2.7:58619] no file"
        ),
        Preset(
            name: "klog", layouts: [(.log4j, "%p%d{MMdd HH:mm:ss.SSSSSS} %7pid %F:%L] %m")],
            sample: "I1126 10:00:00.123456    4711 controller.go:123] starting the controller"),
        Preset(
            name: "android", aliases: ["logcat"], layouts: [(.log4j, "%d{MM-dd HH:mm:ss.SSS} %5pid %5tid %p %X{component}: %m")],
            sample: "11-26 10:00:00.123  1702  2395 D WindowManager: nothing is hidden"),
        Preset(
            name: "zookeeper",
            layouts: [
                (.log4j, "%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n"),
                (.log4j, "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n"),
                (.log4j, "%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%c@%L] - %m%n"),
                (.log4j, "%d{ISO8601} [myid:%X{myid}] - %-5p [%t] - %m%n"),
            ],
            sample:
                "2026-11-26 10:00:00,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - time out"
        ),
        Preset(
            name: "hdfs", layouts: [(.log4j, "%d{yyMMdd HHmmss} %pid %p %c: %m")],
            sample: "261126 100000 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38865 terminating"),
        Preset(
            name: "openstack",
            layouts: [
                (.log4j, "%d{yyyy-MM-dd HH:mm:ss.SSS} %pid %p %c [%X{request}] %m"),
                (.log4j, "%X{log} %d{yyyy-MM-dd HH:mm:ss.SSS} %pid %p %c [%X{request}] %m"),
                (.log4j, "%d{yyyy-MM-dd HH:mm:ss.SSS} %pid %p %c %m"),
                (.log4j, "%X{log} %d{yyyy-MM-dd HH:mm:ss.SSS} %pid %p %c %m"),
            ],
            sample:
                "2026-11-26 10:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-38101a0b - - -] 192.0.2.7 \"GET /v2\""
        ),
        Preset(
            name: "windows_cbs", layouts: [(.log4j, "%d{yyyy-MM-dd HH:mm:ss}, %-21p %-6c %m")],
            sample: "2026-11-26 10:00:00, Info                  CBS    Loaded Servicing Stack"),
        Preset(
            name: "spring",
            layouts: [
                (.logback, "%d{ISO8601} %5p %pid --- [%X{application}] [%t] %-40logger : %m"),
                (.logback, "%d{ISO8601} %5p %pid --- [%t] %-40logger : %m"),
            ],
            sample:
                "2026-11-26T10:00:00.123+01:00  INFO 4711 --- [shop] [nio-8080-exec-1] c.e.Service                    : up"
        ),
        Preset(
            name: "flink",
            layouts: [
                (.log4j, "%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n"),
                (.log4j, "%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c [] - %m%n"),
            ],
            sample:
                "2026-11-26 10:00:00,123 INFO  org.apache.flink.runtime.taskmanager.Task                    [] - switched"
        ),
        Preset(
            name: "go", layouts: [(.log4j, "%d{yyyy/MM/dd HH:mm:ss} %m"), (.log4j, "%d{yyyy/MM/dd HH:mm:ss.SSSSSS} %m")],
            sample: "2026/11/26 10:00:00 listening on :8080"),
        Preset(
            name: "java", reader: .java,
            sample: "2026-11-26 10:00:00,123 INFO [main] com.example.App: started"),
        Preset(
            name: "syslog", aliases: ["systemd"], reader: .syslog,
            sample: "Nov 26 10:00:00 gate systemd[1]: Started session 4 of user alice."),
    ]

    /// HAProxy's HTTP format behind any header of syslog.
    ///
    /// Source: HAProxy's configuration manual §8.2.3.
    private static let haproxyHTTP =
        #"(?:.*? )?haproxy\[(?P<pid>\d+)\]: (?P<client>\S+):(?P<client_port>\d+) \[(?P<time>[^\]]+)\] (?P<frontend>\S+) "#
        + #"(?P<backend>[^/ ]+)/(?P<server>\S+) (?P<timers>[-+/\d]+) (?P<status>-?\d+) (?P<bytes>\+?\d+) \S+ \S+ "#
        + #"(?P<termination>\S+) "#
        + #"(?P<connections>[\d/+]+) (?P<queues>\d+/\d+) (?:\{[^}]*\} )*"(?P<request>.*)""#
    private static let haproxyTCP =
        #"(?:.*? )?haproxy\[(?P<pid>\d+)\]: (?P<client>\S+):(?P<client_port>\d+) \[(?P<time>[^\]]+)\] (?P<frontend>\S+) "#
        + #"(?P<backend>[^/ ]+)/(?P<server>\S+) (?P<timers>[-+/\d]+) (?P<bytes>\+?\d+) (?P<termination>\S+) "#
        + #"(?P<connections>[\d/+]+) (?P<queues>\d+/\d+)"#

    /// `ErrorLogFormat` of Apache 2.4 as it is by default.
    private static let apacheError24 =
        #"\[(?P<time>[^\]]+)\] \[(?P<component>[^:\]]*):(?P<level>[a-z0-9]+)\] \[pid (?P<pid>\d+)(?::tid (?P<thread>\d+))?\] "#
        + #"(?:\[client (?P<client>\S+)\] )?(?P<message>.*)"#

    /// Groups of the patterns above that are numbers.
    static let types: [String: LayoutField.Kind] = [
        "pid": .integer, "client_port": .integer, "status": .integer, "bytes": .integer,
    ]

    static func named(_ name: String) -> Preset? { all.first { $0.name == name || $0.aliases.contains(name) } }

    // MARK: JSON

    /// Logs in JSON whose keys are known.
    static let json: [(name: String, columns: [FormatOptions.DeclaredColumn], sample: String)] = [
        (
            "slog",
            [
                .init("event_time", .timestamp, path: "time", isNullable: false), .init("level", .text),
                .init("message", .text, path: "msg"),
                .init("source_file", .text, path: "source.file"), .init("source_line", .int64, path: "source.line"),
                .init("function", .text, path: "source.function"), .init("error", .text, path: "err"),
            ],
            #"{"time":"2026-11-26T10:00:00.123456789+01:00","level":"INFO","msg":"started","port":8080}"#
        ),
        (
            "zap",
            [
                .init("event_time", .timestamp, path: "ts", isNullable: false), .init("level", .text), .init("logger", .text),
                .init("caller", .text), .init("message", .text, path: "msg"), .init("error", .text),
                .init("stack_trace", .text, path: "stacktrace"),
            ],
            #"{"level":"info","ts":1795687200.123,"caller":"main.go:42","msg":"started","port":8080}"#
        ),
    ]

    /// The names in `format:` of layouts, with those in JSON.
    static let names = all.map(\.name) + json.map(\.name)
}
