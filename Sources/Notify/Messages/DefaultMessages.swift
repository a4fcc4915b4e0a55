/// The texts of notifications that the configuration does not set.
enum DefaultMessages {
    static let subject: MessageTemplate = "{{subject}}"
    static let link: MessageTemplate = "{{link}}"
    static let empty: MessageTemplate = ""
    static let client: MessageTemplate = "obs"

    /// The partials `{{>alertList}}` and so on.
    static let partials: [String: MessageTemplate] = [
        "alertList": alertList, "alertDetails": alertDetails, "alertListMarkdown": alertListMarkdown,
        "alertListHTML": alertListHTML,
    ]

    /// Each alert in a line or two.
    static let alertList: MessageTemplate = """
        {{#firing}}
        FIRING {{title}}{{#description}}: {{description}}{{/description}}{{#generatorURL}}
          {{generatorURL}}{{/generatorURL}}{{#runbookURL}}
          Runbook: {{runbookURL}}{{/runbookURL}}
        {{/firing}}
        {{#resolved}}
        RESOLVED {{title}}{{#endsAt}}, at {{endsAt}}{{/endsAt}}{{#generatorURL}}
          {{generatorURL}}{{/generatorURL}}
        {{/resolved}}
        """

    /// Each alert with all of its labels and annotations.
    static let alertDetails = details(of: "alerts")
    static let firingDetails = details(of: "firing")
    static let resolvedDetails = details(of: "resolved")

    private static func details(of section: String) -> MessageTemplate {
        MessageTemplate(
            stringLiteral: """
                {{#\(section)}}
                Labels:
                {{#labelPairs}}
                 - {{name}} = {{value}}
                {{/labelPairs}}
                Annotations:
                {{#annotationPairs}}
                 - {{name}} = {{value}}
                {{/annotationPairs}}
                Source: {{generatorURL}}
                {{/\(section)}}
                """)
    }

    /// For Discord, Teams and Webex.
    static let alertListMarkdown: MessageTemplate = """
        {{#firing}}
        - **{{title}}**{{#description}}: {{description}}{{/description}}{{#generatorURL}} \
        ([details]({{generatorURL}})){{/generatorURL}}{{#runbookURL}} ([runbook]({{runbookURL}})){{/runbookURL}}
        {{/firing}}
        {{#resolved}}
        - resolved: **{{title}}**{{#generatorURL}} ([details]({{generatorURL}})){{/generatorURL}}
        {{/resolved}}
        """

    /// For Slack, whose links and emphasis are its own.
    static let slack: MessageTemplate = """
        {{#firing}}
        • *{{title}}*{{#description}}: {{description}}{{/description}}{{#generatorURL}} \
        <{{generatorURL}}|details>{{/generatorURL}}{{#runbookURL}} <{{runbookURL}}|runbook>{{/runbookURL}}
        {{/firing}}
        {{#resolved}}
        • resolved: *{{title}}*{{#generatorURL}} <{{generatorURL}}|details>{{/generatorURL}}
        {{/resolved}}
        """

    /// For Telegram, which knows a few tags.
    static let alertListHTML: MessageTemplate = """
        {{#firing}}
        <b>{{title}}</b>{{#description}}: {{description}}{{/description}}{{#generatorURL}} <a \
        href="{{generatorURL}}">details</a>{{/generatorURL}}{{#runbookURL}} <a \
        href="{{runbookURL}}">runbook</a>{{/runbookURL}}
        {{/firing}}
        {{#resolved}}
        resolved: <b>{{title}}</b>{{#generatorURL}} <a href="{{generatorURL}}">details</a>{{/generatorURL}}
        {{/resolved}}
        """

    static let telegram: MessageTemplate = """
        <b>{{subject}}</b>
        {{>alertListHTML}}
        """

    static let telegramPlain: MessageTemplate = """
        {{subject}}
        {{>alertList}}
        """

    static let withSubject: MessageTemplate = """
        {{subject}}
        {{>alertList}}
        {{link}}
        """

    /// The part of a mail for programs that show no HTML.
    static let mailText: MessageTemplate = """
        {{subject}}

        {{>alertList}}

        {{link}}
        """

    /// One column that is readable on a telephone; without images and external resources.
    static let mailHTML: MessageTemplate = """
        <!doctype html>
        <html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{subject}}</title></head>
        <body style="margin:0;padding:16px;font:15px/1.5 sans-serif;color:#1b1b1b;background:#ffffff">
        <h1 style="font-size:18px;margin:0 0 12px">{{subject}}</h1>
        {{#firing}}
        <div style="border-left:4px solid #b3261e;padding:4px 12px;margin:0 0 12px">
        <strong>Firing: {{title}}</strong>
        {{#description}}<p style="margin:4px 0">{{description}}</p>{{/description}}
        <p style="margin:4px 0;color:#555555">since {{startsAt}}{{#labelPairs}}<br>{{name}} = {{value}}{{/labelPairs}}</p>
        {{#generatorURL}}<a href="{{generatorURL}}">Details</a>{{/generatorURL}} {{#runbookURL}}<a \
        href="{{runbookURL}}">Runbook</a>{{/runbookURL}}
        </div>
        {{/firing}}
        {{#resolved}}
        <div style="border-left:4px solid #1e7b34;padding:4px 12px;margin:0 0 12px">
        <strong>Resolved: {{title}}</strong>
        <p style="margin:4px 0;color:#555555">{{startsAt}} to {{endsAt}}{{#labelPairs}}<br>{{name}} = {{value}}{{/labelPairs}}</p>
        {{#generatorURL}}<a href="{{generatorURL}}">Details</a>{{/generatorURL}}
        </div>
        {{/resolved}}
        <p><a href="{{link}}">All incidents</a></p>
        </body></html>
        """
}
