import Notify

/// The keys of each kind of integration, with the names of Alertmanager 0.25. What they do is in docs/notifications.md.
extension KeySections {
    static let integrations = kinds + parts

    private static let kinds: [KeySection] =
        [
            integration(
                "webhook",
                [
                    secret("url", "Where the notification is posted to.", example: "http://127.0.0.1:5001/hook"),
                    [
                        .init(
                            "max_alerts", .number(0...Int.max), default: "0",
                            "More alerts than this in one notification are left out and counted; 0 for no limit.", example: "50"),
                        .init("timeout", .duration(), default: "10s", "The time that a request may take.", example: "30s"),
                    ],
                    secret("signing_secret", "Signs each request.", example: "${WEBHOOK_SECRET}"),
                ]),
            integration(
                "email", sendsResolved: false, hasHTTP: false,
                [
                    [
                        text("to", required: true, "The recipients.", example: "ops@example.org"),
                        text("from", "The sender; `smtp_from` of `global` without it.", example: "obs@example.org"),
                        text("smarthost", "The server and its port.", example: "'mail.example.org:587'"),
                        text("hello", "The name in EHLO.", example: "obs.example.org"),
                        text("auth_username", "The user who logs in; nobody without it.", example: "obs"),
                    ],
                    secret("auth_password", "The password for PLAIN and LOGIN.", example: "${SMTP_PASSWORD}"),
                    [
                        hidden("auth_secret", "The secret for CRAM-MD5.", example: "${SMTP_SECRET}"),
                        text("auth_identity", "The identity for PLAIN.", example: "obs"),
                        .init("headers", .textsByName, "Headers of the mail; templates.", example: "{ Subject: '{{subject}}' }"),
                        text("html", "The text as HTML; a template, empty for none.", example: "\"\""),
                        text("text", "The text; a template.", example: "'{{subject}}'"),
                        .init("require_tls", .flag, "Whether the connection must be encrypted.", example: "false"),
                        .init("tls_config", .section, "How the certificate is checked.", example: "{ ca_file: ca.pem }"),
                    ],
                ]),
            integration(
                "slack", sendsResolved: false,
                [
                    secret("api_url", "The incoming webhook; `slack_api_url` of `global` without it.", example: "${SLACK_URL}"),
                    templates([
                        ("channel", "The channel or user."), ("username", "The name of the sender."),
                        ("color", "The color of the bar beside the text."), ("title", "The title."), ("title_link", "Its link."),
                        ("pretext", "The text before the attachment."), ("text", "The text."), ("footer", "The footer."),
                        ("fallback", "The text where attachments are not shown."),
                        ("callback_id", "Names the message for actions."),
                        ("icon_emoji", "The icon of the sender, as an emoji."),
                        ("icon_url", "The icon of the sender, as an image."),
                        ("image_url", "An image below the text."), ("thumb_url", "A small image beside the text."),
                    ]),
                    [
                        .init(
                            "fields", .sections, default: "[]", "Pairs of title and value.", example: "[{ title: a, value: b }]"),
                        .init("short_fields", .flag, default: "false", "Whether fields are side by side.", example: "true"),
                        .init("link_names", .flag, default: "false", "Whether names and channels become links.", example: "true"),
                        .init("mrkdwn_in", .texts, default: "[]", "The parts that are Markdown.", example: "[text]"),
                        .init(
                            "actions", .sections, default: "[]", "Buttons.",
                            example: "[{ type: button, text: Open, url: 'https://obs' }]"),
                    ],
                ]),
            integration(
                "pagerduty",
                [
                    secret("routing_key", "The key of an integration of Events API v2.", example: "${PAGERDUTY_KEY}"),
                    secret("service_key", "The key of an integration of Events API v1.", example: "${PAGERDUTY_KEY}"),
                    [
                        text(
                            "url", "The address; `pagerduty_url` of `global` without it.",
                            example: "https://events.pagerduty.com/v2/enqueue")
                    ],
                    templates([
                        ("client", "Who reports."), ("client_url", "The link to it."), ("description", "The summary."),
                        ("source", "What is affected."), ("severity", "critical, error, warning or info."),
                        ("class", "The kind of event."),
                        ("component", "The component that is affected."), ("group", "The group that it belongs to."),
                    ]),
                    [
                        .init("details", .textsByName, "Further values; templates.", example: "{ team: db }"),
                        .init("images", .sections, default: "[]", "Images.", example: "[{ src: 'https://obs/a.png' }]"),
                        .init("links", .sections, default: "[]", "Links.", example: "[{ href: 'https://obs', text: obs }]"),
                    ],
                ]),
            integration(
                "opsgenie",
                [
                    secret("api_key", "The key; `opsgenie_api_key` of `global` without it.", example: "${OPSGENIE_KEY}"),
                    [
                        text(
                            "api_url", "The address; `opsgenie_api_url` of `global` without it.",
                            example: "https://api.eu.opsgenie.com/")
                    ],
                    templates([
                        ("message", "The title of the alert."), ("description", "The text."), ("source", "Who reports."),
                        ("entity", "What is affected."), ("actions", "Actions, separated by commas."),
                        ("tags", "Tags, separated by commas."), ("note", "A note."), ("priority", "P1 to P5."),
                    ]),
                    [
                        .init("details", .textsByName, "Further values; templates.", example: "{ team: db }"),
                        .init("responders", .sections, default: "[]", "Who responds.", example: "[{ name: db, type: team }]"),
                        .init(
                            "update_alerts", .flag, default: "false", "Whether message and description follow later changes.",
                            example: "true"),
                    ],
                ]),
            integration(
                "msteams",
                [
                    secret("webhook_url", "The address of the connector.", example: "${TEAMS_URL}"),
                    templates([
                        ("title", "The title."), ("summary", "The text of the notification on a telephone."),
                        ("text", "The text."),
                    ]),
                ]),
            integration(
                "msteamsv2",
                [
                    secret("webhook_url", "The address of the workflow.", example: "${TEAMS_URL}"),
                    templates([("title", "The title."), ("text", "The text.")]),
                ]),
            integration(
                "discord",
                [
                    secret("webhook_url", "The address of the webhook.", example: "${DISCORD_URL}"),
                    templates([("title", "The title."), ("message", "The text.")]),
                ]),
            integration(
                "telegram",
                [
                    secret("bot_token", "The token of the bot.", example: "${TELEGRAM_TOKEN}"),
                    [
                        text(
                            "api_url", "The address; `telegram_api_url` of `global` without it.",
                            example: "https://api.telegram.org"),
                        text("chat_id", required: true, "The number of the chat.", example: "-1001234"),
                        .init(
                            "parse_mode", .text, default: "HTML", "The markup of the text: HTML, Markdown, MarkdownV2 or empty.",
                            example: "MarkdownV2"),
                        .init(
                            "disable_notifications", .flag, default: "false", "Whether it comes without a sound.", example: "true"
                        ),
                    ],
                    templates([("message", "The text.")]),
                ]),
            integration(
                "pushover",
                [
                    secret("user_key", "The key of the user or group.", example: "${PUSHOVER_USER}"),
                    secret("token", "The token of the application.", example: "${PUSHOVER_TOKEN}"),
                    templates([
                        ("title", "The title."), ("message", "The text."), ("url", "A link."), ("url_title", "Its text."),
                        ("sound", "The sound."), ("priority", "From -2 to 2; 2 repeats until somebody acknowledges."),
                    ]),
                    [
                        .init(
                            "retry", .text, default: "1m", "How often priority 2 is repeated, as Go writes durations.",
                            example: "2m"),
                        .init("expire", .text, default: "1h", "How long it is repeated.", example: "30m"),
                        .init("html", .flag, default: "false", "Whether the text is HTML.", example: "true"),
                    ],
                ]),
            integration(
                "victorops",
                [
                    secret("api_key", "The key; `victorops_api_key` of `global` without it.", example: "${VICTOROPS_KEY}"),
                    [
                        text(
                            "api_url", "The address; `victorops_api_url` of `global` without it.",
                            example: "https://alert.victorops.com/"),
                        text("routing_key", required: true, "The routing key; a template.", example: "ops"),
                    ],
                    templates([
                        ("message_type", "CRITICAL, WARNING or INFO."), ("state_message", "The text."),
                        ("entity_display_name", "The title."), ("monitoring_tool", "Who reports."),
                    ]),
                    [.init("custom_fields", .textsByName, "Further values; templates.", example: "{ team: db }")],
                ]),
            integration(
                "wechat", sendsResolved: false,
                [
                    secret("api_secret", "The secret; `wechat_api_secret` of `global` without it.", example: "${WECHAT_SECRET}"),
                    [
                        text("corp_id", "The company; `wechat_api_corp_id` of `global` without it.", example: "ww0123"),
                        text(
                            "api_url", "The address; `wechat_api_url` of `global` without it.",
                            example: "https://qyapi.weixin.qq.com/cgi-bin/"),
                        .init(
                            "message_type", .choice(["text", "markdown"]), default: "text", "What the message is.",
                            example: "markdown"),
                    ],
                    templates([
                        ("message", "The text."), ("to_user", "The users."), ("to_party", "The departments."),
                        ("to_tag", "The tags."),
                        ("agent_id", "The application."),
                    ]),
                ]),
            integration(
                "sns",
                [
                    templates([
                        ("api_url", "The address; that of the region without it."), ("topic_arn", "The topic."),
                        ("target_arn", "The endpoint of a mobile."), ("phone_number", "The telephone; one of the three."),
                        ("subject", "The subject of a mail."), ("message", "The text."),
                    ]),
                    [
                        .init(
                            "sigv4", .section, "The region and the key that sign requests.", example: "{ region: eu-central-1 }"),
                        .init("attributes", .textsByName, "Attributes of the message; templates.", example: "{ team: db }"),
                    ],
                ]),
            integration(
                "webex",
                [
                    [
                        text(
                            "api_url", "The address; `webex_api_url` of `global` without it.",
                            example: "https://webexapis.com/v1/messages"),
                        text("room_id", required: true, "The room.", example: "Y2lzY29"),
                    ],
                    templates([("message", "The text.")]),
                ]),
        ]

    /// Mappings within the keys of integrations.
    private static let parts: [KeySection] = [
        KeySection(
            .obs, receivers("slack_configs[].fields[]"), meaning: "A pair of a Slack message; templates.",
            keys: [
                text("title", required: true, "The title.", example: "Host"),
                text("value", required: true, "The value.", example: "'{{commonLabels.host}}'"),
                .init("short", .flag, "Whether it is beside the next one; `short_fields` without it.", example: "true"),
            ]),
        KeySection(
            .obs, receivers("slack_configs[].actions[]"), meaning: "A button of a Slack message; templates.",
            keys: [
                text("type", required: true, "The kind, such as button.", example: "button"),
                text("text", required: true, "Its text.", example: "Open"),
                text("url", "What it opens.", example: "'{{link}}'"),
                text("style", "default, primary or danger.", example: "primary"),
                text("name", "Its name, where it has no `url`.", example: "ack"), text("value", "Its value.", example: "yes"),
                .init("confirm", .section, "A question before it acts.", example: "{ text: 'Sure?' }"),
            ]),
        KeySection(
            .obs, receivers("pagerduty_configs[].images[]"), meaning: "An image of an event; templates.",
            keys: [
                text("src", "Its address.", example: "https://obs/a.png"), text("alt", "Its text.", example: "Load"),
                text("href", "What it links to.", example: "https://obs"),
            ]),
        KeySection(
            .obs, receivers("pagerduty_configs[].links[]"), meaning: "A link of an event; templates.",
            keys: [text("href", "Its address.", example: "https://obs"), text("text", "Its text.", example: "obs")]),
        KeySection(
            .obs, receivers("opsgenie_configs[].responders[]"),
            meaning: "Who responds: one of `id`, `name` and `username`; templates.",
            keys: [
                text("id", "The id.", example: "4513b7ea"), text("name", "The name.", example: "db"),
                text("username", "The user.", example: "ada@example.org"),
                text("type", "team, teams, user, escalation or schedule.", example: "team"),
            ]),
        KeySection(
            .obs, receivers("sns_configs[].sigv4"), meaning: "What signs requests to Amazon.",
            keys: [
                text("region", "The region.", example: "eu-central-1"),
                text("access_key", "The id of the key.", example: "AKIA0123"),
                hidden("secret_key", "The key.", example: "${AWS_SECRET}"),
                text("profile", "Refused: obs reads no files of credentials.", example: "\"\""),
                text("role_arn", "Refused: obs assumes no role.", example: "\"\""),
            ]),
        KeySection(
            .obs, https("http_config"),
            meaning: "How requests are made. At most one of `basic_auth`, `authorization`, `bearer_token` and `oauth2`.",
            keys: joined(
                [
                    .init(
                        "basic_auth", .section, "A user and a password.", example: "{ username: obs, password: '${PASSWORD}' }"),
                    .init("authorization", .section, "Any other `Authorization` header.", example: "{ credentials: '${TOKEN}' }"),
                ],
                secret("bearer_token", "The older form of `authorization`.", example: "${TOKEN}"),
                [
                    .init(
                        "oauth2", .section, "A token from an authorization server.",
                        example: "{ client_id: obs, client_secret_file: s, token_url: 'https://auth' }"),
                    .init("tls_config", .section, "How the certificate is checked.", example: "{ ca_file: ca.pem }"),
                    text("proxy_url", "The proxy; none is taken from the environment.", example: "http://127.0.0.1:3128"),
                    .init("follow_redirects", .flag, default: "true", "Whether redirects are followed.", example: "false"),
                    .init(
                        "enable_http2", .flag, default: "true", "Whether HTTP/2 is used where the server offers it.",
                        example: "false"
                    ),
                    .init("headers", .textsByName, "Further headers of each request.", example: "{ X-Team: db }"),
                ])),
        KeySection(
            .obs, https("http_config.basic_auth"), meaning: "A user and a password in each request.",
            keys: joined(
                [text("username", "The user.", example: "obs")],
                secret("password", "The password.", example: "${PASSWORD}"))),
        KeySection(
            .obs, https("http_config.authorization"), meaning: "The `Authorization` header of each request.",
            keys: joined(
                [.init("type", .text, default: "Bearer", "The type; not Basic.", example: "Token")],
                secret("credentials", "What follows the type.", example: "${TOKEN}"))),
        KeySection(
            .obs, https("http_config.oauth2"), meaning: "A token by the client credentials of RFC 6749.",
            keys: joined(
                [text("client_id", required: true, "The client.", example: "obs")],
                secret("client_secret", "Its secret.", example: "${CLIENT_SECRET}"),
                [
                    text("token_url", required: true, "Where a token is asked for.", example: "https://auth.example.org/token"),
                    .init("scopes", .texts, default: "[]", "The scopes.", example: "[notify]"),
                    .init("endpoint_params", .textsByName, "Further parameters of the request.", example: "{ audience: obs }"),
                    text("proxy_url", "The proxy.", example: "http://127.0.0.1:3128"),
                    .init(
                        "tls_config", .section, "How the certificate of that server is checked.", example: "{ ca_file: ca.pem }"),
                ])),
        KeySection(
            .obs,
            https("http_config.tls_config") + https("http_config.oauth2.tls_config") + receivers("email_configs[].tls_config"),
            meaning: "How the certificate of a server is checked.",
            keys: [
                text("ca_file", "Whose certificates are believed; those of the system without it.", example: "ca.pem"),
                text("cert_file", "The certificate of obs.", example: "obs.pem"),
                text("key_file", "Its key.", example: "obs.key"),
                text(
                    "server_name", "The name in the certificate, where it is not that of the host.", example: "hooks.example"),
                .init("insecure_skip_verify", .flag, default: "false", "Whether any certificate is believed.", example: "true"),
                text("min_version", "TLS10, TLS11, TLS12 or TLS13.", example: "TLS12"),
                text("max_version", "TLS10, TLS11, TLS12 or TLS13.", example: "TLS13"),
            ]),
        KeySection(
            .obs, ["alerting.global"], meaning: "What integrations take that do not say it themselves.",
            keys: joined(
                [
                    text("resolve_timeout", "In place of `alerting.resolve_timeout`.", example: "5m"),
                    .init("http_config", .section, "How requests are made.", example: "{ proxy_url: 'http://127.0.0.1:3128' }"),
                    text("smtp_from", "The sender of mails.", example: "obs@example.org"),
                    .init("smtp_hello", .text, default: "localhost", "The name in EHLO.", example: "obs.example.org"),
                    text("smtp_smarthost", "The server for mails and its port.", example: "'mail.example.org:587'"),
                    text("smtp_auth_username", "The user who logs in.", example: "obs"),
                ],
                secret("smtp_auth_password", "The password for PLAIN and LOGIN.", example: "${SMTP_PASSWORD}"),
                [
                    hidden("smtp_auth_secret", "The secret for CRAM-MD5.", example: "${SMTP_SECRET}"),
                    text("smtp_auth_identity", "The identity for PLAIN.", example: "obs"),
                    .init(
                        "smtp_require_tls", .flag, default: "true", "Whether mails go over encrypted connections only.",
                        example: "false"),
                ],
                secret("slack_api_url", "The incoming webhook of Slack.", example: "${SLACK_URL}"),
                [
                    address("pagerduty_url", "PagerDuty", "https://events.pagerduty.com/v2/enqueue"),
                    address("opsgenie_api_url", "Opsgenie", "https://api.opsgenie.com/"),
                ],
                secret("opsgenie_api_key", "The key of Opsgenie.", example: "${OPSGENIE_KEY}"),
                [
                    address("victorops_api_url", "VictorOps", "https://alert.victorops.com/integrations/generic/20131114/alert/")
                ],
                secret("victorops_api_key", "The key of VictorOps.", example: "${VICTOROPS_KEY}"),
                [
                    address("wechat_api_url", "WeChat Work", "https://qyapi.weixin.qq.com/cgi-bin/"),
                    hidden("wechat_api_secret", "The secret of WeChat Work.", example: "${WECHAT_SECRET}"),
                    text("wechat_api_corp_id", "The company at WeChat Work.", example: "ww0123"),
                    address("telegram_api_url", "Telegram", "https://api.telegram.org"),
                    address("webex_api_url", "Webex", "https://webexapis.com/v1/messages"),
                ])),
    ]

    private static func receivers(_ path: String) -> [String] { ["alerting.receivers[].\(path)"] }

    /// A mapping of `global`, and of every integration over HTTP.
    private static func https(_ path: String) -> [String] {
        ["alerting.global.\(path)"]
            + Notifiers.keys.filter { $0 != "email_configs" }.map { "alerting.receivers[].\($0)[].\(path)" }
    }

    private static func integration(
        _ name: String, sendsResolved: Bool = true, hasHTTP: Bool = true, _ keys: [[KeyDeclaration]]
    ) -> KeySection {
        let http = KeyDeclaration(
            "http_config", .section, "How requests are made; that of `global` without it.",
            example: "{ authorization: { credentials: '${TOKEN}' } }")
        return KeySection(
            .obs, receivers("\(name)_configs[]"), meaning: "An integration of this kind. docs/notifications.md explains it.",
            keys: keys.flatMap(\.self) + (hasHTTP ? [http] : []) + [
                .init(
                    "send_resolved", .flag, default: "\(sendsResolved)", "Whether ends are notified too.",
                    example: "\(!sendsResolved)")
            ])
    }

    private static func joined(_ parts: [KeyDeclaration]...) -> [KeyDeclaration] { parts.flatMap(\.self) }

    private static func text(
        _ name: String, required isRequired: Bool = false, _ meaning: String, example: String
    ) -> KeyDeclaration {
        .init(name, .text, required: isRequired, meaning, example: example)
    }

    private static func address(_ name: String, _ service: String, _ standard: String) -> KeyDeclaration {
        .init(name, .text, default: standard, "The address of \(service).", example: "http://127.0.0.1:8080/")
    }

    /// A secret in place, and the key of the file that it may be in.
    private static func secret(_ name: String, _ meaning: String, example: String) -> [KeyDeclaration] {
        [
            text(name, meaning, example: example.hasPrefix("$") ? "'\(example)'" : example),
            text("\(name)_file", "The file that has it.", example: "secret"),
        ]
    }

    /// A secret that Alertmanager takes in place alone. obs takes it from a file, the environment or a program too.
    private static func hidden(_ name: String, _ meaning: String, example: String) -> KeyDeclaration {
        text(
            name,
            "\(meaning.dropLast()): in place, `${NAME}`, `file:PATH`, or a mapping with `file`, `environment` or `command`.",
            example: "'\(example)'")
    }

    private static func templates(_ keys: [(name: String, meaning: String)]) -> [KeyDeclaration] {
        keys.map { text($0.name, "\($0.meaning.dropLast()); a template.", example: "'{{subject}}'") }
    }
}
