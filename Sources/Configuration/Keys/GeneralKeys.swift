extension KeySections {
    /// `obs.yaml` but for `alerting`.
    static let general = [
        KeySection(
            .obs, "", meaning: "`obs.yaml`. Every key may be left out; paths are relative to the working directory.",
            keys: [
                .init(
                    "data_dir", .text, default: "obs-data", "The folder that holds tables, incidents, checkpoints and models.",
                    example: "/var/lib/obs"),
                .init(
                    "builtin", .flag, default: "true",
                    "Whether the built-in pipelines and rules are there beside those that `pipelines` and `detections` name.",
                    example: "false"),
                .init("http", .section, "The HTTP server.", example: "{ listen: \"127.0.0.1:9464\" }"),
                .init(
                    "sources", .sections, default: "[]", "Where lines come from.",
                    example: "[{ name: auth, file: /var/log/auth.log }]"),
                .init(
                    "pipelines", .texts, default: "[]",
                    "Files, or patterns of their names, with a pipeline each; relative to this file.",
                    example: "[\"pipelines/*.yaml\"]"),
                .init(
                    "detections", .texts, default: "[]",
                    "Files, or patterns of their names, with rules and models; relative to this file.",
                    example: "[\"detections/*.yml\"]"),
                .init("alerting", .section, "Routes, receivers, silences and incidents.", example: "{ file: alertmanager.yml }"),
                .init(
                    "deadlines", .sections, default: "[]", "When tables must have new rows.",
                    example: "[{ table: gold.trips_by_zone, by: \"07:00\" }]"),
                .init(
                    "retention", .section, "How much of the tables is kept.",
                    example: "{ tables: [{ table: bronze, max_age: 30d }] }"),
                .init(
                    "redaction", .section, "What is taken out of lines before they are kept. docs/protection.md explains it.",
                    example: "{ rules: [{ pattern: 'user (\\S+)', replace: '-' }] }"),
                .init(
                    "verify_every", .text, default: "24h",
                    "How often the lines of followed files are counted against bronze, or `never`; once: `obs verify source`.",
                    example: "6h"),
                .init("blocklist", .section, "Which addresses `obs blocklist` lists.", example: "{ expire: 24h }"),
                .init(
                    "runbooks", .text, default: "runbooks",
                    "The folder of runbooks that pages show; the built-in runbooks are shown for names that it lacks.",
                    example: "/etc/obs/runbooks"),
                .init(
                    "mlflow", .section, "The MLflow server that shows the registry of models.",
                    example: "{ tracking_uri: \"http://127.0.0.1:5000\" }"),
                .init("log", .section, "The log of obs itself.", example: "{ level: info }"),
            ]),
        KeySection(
            .obs, "redaction", meaning: "What is taken out of lines before they are kept, in the order of the rules.",
            keys: [
                .init(
                    "key", .text,
                    "The key of hashes, of 16 bytes or more: in place, `${NAME}`, `file:PATH`, or a mapping with `file`, "
                        + "`environment` or `command`.", example: "file:/etc/obs/redaction.key"),
                .init(
                    "rules", .sections, default: "[]", "What is replaced by what.",
                    example: "[{ pattern: 'user (\\S+)', hash: true }]"),
            ]),
        KeySection(
            .obs, "redaction.rules[]", meaning: "A pattern, and what stands in the place of what it finds.",
            keys: [
                .init(
                    "pattern", .text, required: true,
                    "A regular expression of RE2, looked for anywhere in a line. What its groups take is replaced, or all that "
                        + "it matches where it has none.", example: "'user (\\S+) from'"),
                .init("replace", .text, "A text in its place.", example: "'<user>'"),
                .init(
                    "hash", .flag, default: "false", "In its place `h-` and 24 digits: the same for the same value and key.",
                    example: "true"),
                .init("pipelines", .texts, default: "[]", "Only lines of these pipelines.", example: "[ssh]"),
                .init("sources", .texts, default: "[]", "Only lines of these sources.", example: "[auth]"),
            ]),
        KeySection(
            .obs, "mlflow", meaning: "The MLflow server that shows the registry of models; docs/models.md.",
            keys: [
                .init(
                    "tracking_uri", .text, "Its URL; without it the registry is shown nowhere.",
                    example: "http://127.0.0.1:5000"),
                .init("experiment", .text, default: "obs", "The experiment that trainings are runs of.", example: "hosts"),
                .init("token_file", .text, "A file whose text is sent as bearer token.", example: "/etc/obs/mlflow-token"),
            ]),
        KeySection(
            .obs, "http", meaning: "The HTTP server: metrics, API, pages, pushed lines. A change waits for a restart.",
            keys: [
                .init(
                    "listen", .text, default: "127.0.0.1:9464", "Host and port to listen on.", example: "0.0.0.0:9464"),
                .init(
                    "max_body_size", .number(1...(1 << 30)), default: "10485760",
                    "The largest body of a request, in bytes; a larger one is answered 413.", example: "33554432"),
                .init(
                    "max_connections", .number(1...(1 << 20)),
                    "How many connections there may be, at most half of the descriptors; by default a quarter of them, up to "
                        + "1024. One more replaces the one that waits longest for its client, else it is answered 503.",
                    example: "512"),
                .init(
                    "max_connections_per_address", .number(1...(1 << 20)),
                    "How many of them one address may have (of IPv6 a /64); by default a quarter. One more replaces the one "
                        + "of that address that waits longest, else it is answered 429. `trusted_proxies` may have all, and "
                        + "where `listen` is loopback there is no such limit.", example: "64"),
                .init(
                    "hosts", .texts, default: "[]",
                    "Further names under which obs is reached, such as that of a proxy; other names are answered 421.",
                    example: "[obs.example.org]"),
                .init(
                    "dashboards", .text, "Where Grafana is; pages then link to its dashboards.",
                    example: "http://127.0.0.1:3000"),
                .init(
                    "access", .choice(["open", "required"]),
                    "Whether a request needs a token or a log-in; by default `open` where `listen` is loopback, and `required` "
                        + "elsewhere. docs/security.md says which role a route needs.", example: "required"),
                .init(
                    "oidc", .section, "A provider of OpenID Connect whom people log in by, where access is required.",
                    example: "{ issuer: \"https://login.example.org\", client_id: obs, default_role: viewer }"),
                .init(
                    "tls", .section, "The certificate of the server; without it HTTP is not encrypted.",
                    example: "{ cert_file: obs.pem, key_file: obs.key }"),
                .init(
                    "insecure", .flag, default: "false",
                    "Starts although `listen` is not loopback and there is no `tls`, or `access` is `open`: for containers "
                        + "and behind a proxy; `obs run --insecure` means the same.", example: "true"),
                .init(
                    "trusted_proxies", .texts, default: "[]",
                    "The addresses and networks of proxies whose `user_header` and `X-Forwarded-For` are believed.",
                    example: "[127.0.0.1, 10.0.0.0/8]"),
                .init(
                    "user_header", .text,
                    "The request header in which a trusted proxy says who asks; actions are then recorded under that name only.",
                    example: "X-Forwarded-User"),
                .init(
                    "user_role", .choice(["viewer", "responder", "admin"]), default: "responder",
                    "The role of the users that `user_header` names.", example: "viewer"),
            ]),
        KeySection(
            .obs, "http.oidc",
            meaning: "A provider of OpenID Connect whom people log in by; docs/security.md explains it.",
            keys: [
                .init(
                    "issuer", .text, required: true, "Its address, exactly as its tokens have it in `iss`; by https.",
                    example: "https://login.example.org/realms/ops"),
                .init("client_id", .text, required: true, "Under which name the provider knows obs.", example: "obs"),
                .init(
                    "client_secret", .text,
                    "What obs shows when it redeems a code: in place, `${NAME}`, `file:PATH`, or a mapping with `file`, "
                        + "`environment` or `command`; a public client has none.", example: "file:/etc/obs/oidc.secret"),
                .init(
                    "ca_file", .text,
                    "The issuers of the provider's certificate, as PEM; by default those that the machine trusts.",
                    example: "/etc/obs/company.pem"),
                .init("name", .text, "What the log-in page calls it; by default its host.", example: "Example SSO"),
                .init(
                    "scopes", .texts, default: "[openid, profile, email]", "The scopes that obs requests.",
                    example: "[openid, profile, groups]"),
                .init(
                    "user_claim", .text, default: "preferred_username",
                    "The claim with the name that actions are recorded under: one that people cannot change themselves. "
                        + "With `email`, `email_verified` must be true.", example: "upn"),
                .init(
                    "role_claim", .text, default: "groups",
                    "The claim with groups or roles, a text or a list; with dots one within others.",
                    example: "realm_access.roles"),
                .init(
                    "roles", .textsByName,
                    "The role (`viewer`, `responder`, `admin`) by value of that claim; of several the one that may do most.",
                    example: "{ obs-admins: admin, staff: viewer }"),
                .init(
                    "default_role", .choice(["viewer", "responder", "admin"]),
                    "The role of those whom `roles` does not know; without it they are refused.", example: "viewer"),
                .init(
                    "audience", .text,
                    "Whom the tokens that programs bring must be meant for (`aud`); by default `client_id`.", example: "obs-api"),
            ]),
        KeySection(
            .obs, "http.tls", meaning: "HTTP by TLS, in version 1.2 or later. The files are read again when they change.",
            keys: [
                .init(
                    "cert_file", .text, required: true, "The certificate of obs and those of its issuers, as PEM.",
                    example: "obs.pem"),
                .init("key_file", .text, required: true, "Its key, as PEM.", example: "obs.key"),
                .init(
                    "client_ca_file", .text,
                    "The issuers of client certificates, as PEM: a client with such a certificate has the role `ingest` without "
                        + "a token.", example: "shippers.pem"),
            ]),
        KeySection(
            .obs, "log", meaning: "The log of obs itself, on standard error.",
            keys: [
                .init(
                    "level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info",
                    "The least severe level that is written; `--quiet` and `--verbose` take precedence.", example: "warning")
            ]),
        KeySection(
            .obs, "deadlines[]", meaning: "When a table must have new rows; ObsDeadlineMissed is raised while it has none.",
            keys: [
                .init("table", .text, required: true, "The table, with its layer.", example: "gold.trips_by_zone"),
                .init("by", .text, required: true, "The time of the day by which it must have rows.", example: "\"07:00\""),
                .init(
                    "from", .text, default: "00:00",
                    "Rows that were committed before this do not count; of the day before where it is later than `by`.",
                    example: "\"22:00\""),
                .init("weekdays", .texts, "The days of the deadline; all by default.", example: "[monday, tuesday]"),
                .init(
                    "time_zone", .text, "Of the times; by default that of the machine. Summer time is kept to.",
                    example: "Europe/Berlin"),
            ]),
        KeySection(
            .obs, "retention",
            meaning: "How much of the tables is kept. Whole files are removed, oldest first; docs/lake.md, \"Retention\".",
            keys: [
                .init(
                    "tables", .sections, default: "[]", "The limits of layers and tables; all of them hold.",
                    example: "[{ table: bronze, max_age: 30d, max_share: 0.5 }]"),
                .init(
                    "disk_limit", .fraction(0.1...1), default: "0.9",
                    "At this share of the disk, full of whatever, the oldest rows of bronze are removed; at 1 they never are.",
                    example: "0.8"),
                .init(
                    "keep_at_least", .duration(.zero ... .years(10)), default: "1h",
                    "Rows that are younger are not removed for `disk_limit`.", example: "24h"),
                .init(
                    "every", .duration(.seconds(1) ... .days(1)), default: "1m",
                    "How often the tables and the disk are looked at.",
                    example: "10m"),
            ]),
        KeySection(
            .obs, "retention.tables[]",
            meaning:
                "The limits of a table, or of a layer: sizes are those of all its tables together, and its `max_age` is that of "
                + "the tables that have none of their own.",
            keys: [
                .init("table", .text, required: true, "A layer or a table.", example: "bronze.ssh"),
                .init(
                    "max_age", .duration(.seconds(60) ... .years(100)), "How long rows are kept since they were committed.",
                    example: "30d"),
                .init("max_size", .text, "The most that the data files may take.", example: "20GB"),
                .init("max_share", .fraction(0.001...1), "The same as a share of the disk.", example: "0.5"),
            ]),
        KeySection(
            .obs, "blocklist", meaning: "Which addresses `obs blocklist` lists.",
            keys: [
                .init(
                    "rules", .texts, "The rules whose incidents put an address on the list; by default those of attacks on SSH.",
                    example: "[SSHBruteForce]"),
                .init("allow", .texts, default: "[]", "Addresses and networks that are never listed.", example: "[192.0.2.0/24]"),
                .init(
                    "expire", .duration(.milliseconds(1) ... .years(292)), default: "24h",
                    "How long after an attack was last seen its address stays on the list.", example: "7d"),
                .init(
                    "private", .flag, default: "false", "Whether private and reserved addresses may be listed.", example: "true"),
            ]),
        KeySection(
            .obs, "sources[]",
            meaning: "A source: where lines come from, and the pipeline that reads them. One of `file`, `journald`, `syslog`, "
                + "`pipe`, `http`, `sqlite` and `folder` says the kind.",
            keys: [
                .init("name", .text, required: true, "The name in metrics, logs and checkpoints; unique.", example: "auth"),
                .init(
                    "file", .text, "A file to follow, or a pattern such as `/var/log/*.log`; rotation is followed too.",
                    example: "/var/log/auth.log"),
                .init(
                    "also", .texts, default: "[]",
                    "Paths or patterns to which a followed file is rotated outside its own folder.",
                    example: "[/srv/old/auth.log*]"),
                .init(
                    "journald", .section, "systemd's journal, read by `journalctl`; `{}` is all of it.",
                    example: "{ facilities: [auth, authpriv] }"),
                .init(
                    "syslog", .section, "Messages that devices and other machines send; any of `udp`, `tcp` and `tls`.",
                    example: "{ tcp: \"0.0.0.0:601\" }"),
                .init(
                    "pipe", .text, "A named pipe (FIFO) that other programs write to, or `-` for standard input.",
                    example: "/run/obs/auth.fifo"),
                .init(
                    "http", .flag, default: "false",
                    "Lines are pushed to `/api/v1/ingest/NAME`, or by shippers in the protocols of Loki, OpenTelemetry, "
                        + "Elasticsearch and Splunk.", example: "true"),
                .init(
                    "match", .matchers,
                    "Which records of shippers a pushed source takes, by their labels or attributes; without it, what no other "
                        + "source takes.", example: "'job=\"auth\"'"),
                .init(
                    "lines", .choice(["text", "json"]),
                    "What a record of a shipper becomes: its text, or an object with all that was sent; by default `json` where "
                        + "the pipeline's format is `json`, else `text`.", example: "json"),
                .init("sqlite", .text, "A SQLite database, with `table` and `key`.", example: "shop.db"),
                .init("table", .text, "The table whose rows are read as they are added.", example: "orders"),
                .init("key", .text, "A unique column that grows from row to row.", example: "order_id"),
                .init("folder", .text, "A folder in which each JSON file is one record.", example: "products"),
                .init("pipeline", .text, default: "ssh", "The pipeline that reads the lines.", example: "shop"),
                .init("input", .text, "The input of the pipeline; required where it has several.", example: "views"),
                .init(
                    "time_zone", .text, "The time zone of time stamps without one; by default that of this machine.",
                    example: "Europe/Berlin"),
                .init(
                    "silent_after", .text,
                    "How long no line may come until the source counts as silent, or `never`; by default "
                        + "it is learned from the gaps between its lines.", example: "6h"),
            ]),
        KeySection(
            .obs, "sources[].syslog",
            meaning: "Where messages of syslog are received (RFC 3164, RFC 5424; each ends with its line, or its length comes "
                + "first).",
            keys: [
                .init(
                    "udp", .text, "Host and port; what comes faster than it can be stored is lost.",
                    example: "\"0.0.0.0:514\""),
                .init(
                    "tcp", .text, "Host and port; a sender waits until its messages are on disk.", example: "\"0.0.0.0:601\""),
                .init(
                    "tls", .section, "The same by TLS (RFC 5425), in version 1.2 or later.",
                    example: "{ listen: \"0.0.0.0:6514\", cert_file: obs.pem, key_file: obs.key }"),
            ]),
        KeySection(
            .obs, "sources[].syslog.tls",
            meaning: "Syslog by TLS. The files are read again when they change.",
            keys: [
                .init("listen", .text, required: true, "Host and port.", example: "\"0.0.0.0:6514\""),
                .init(
                    "cert_file", .text, required: true, "The certificate of obs and those of its issuers, as PEM.",
                    example: "obs.pem"),
                .init("key_file", .text, required: true, "Its key, as PEM.", example: "obs.key"),
                .init(
                    "client_ca_file", .text,
                    "The issuers of the certificates that clients must have, as PEM; without it clients need none.",
                    example: "clients.pem"),
            ]),
        KeySection(
            .obs, "sources[].journald",
            meaning: "Which entries of systemd's journal are read: those that any of `units`, `identifiers` and `facilities` "
                + "names, or all where none is given.",
            keys: [
                .init(
                    "units", .texts, default: "[]",
                    "Units of systemd, by which nobody can pass for another; `.service` may be left out.",
                    example: "[ssh.service]"),
                .init(
                    "identifiers", .texts, default: "[]", "Names that programs give themselves, as in the lines of syslog.",
                    example: "[sshd, sudo]"),
                .init(
                    "facilities", .texts, default: "[]",
                    "Facilities of syslog; `auth` and `authpriv` together are what `/var/log/auth.log` holds.",
                    example: "[auth, authpriv]"),
                .init(
                    "directory", .text, "The folder of another journal than this machine's own.",
                    example: "/var/log/journal/remote"),
                .init(
                    "lines", .choice(["text", "json"]), default: "text",
                    "What a line is: the syslog line that an entry stands for, or the entry with all its fields as JSON.",
                    example: "json"),
            ]),
    ]
}
