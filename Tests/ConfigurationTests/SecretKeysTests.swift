import Alerting
import Testing

@testable import Configuration

struct `A secret of a receiver` {
    @Test(arguments: [
        "global: { smtp_smarthost: 'm:25', smtp_from: a@b, smtp_auth_username: u, smtp_auth_secret: hunter7 }",
        "global: { smtp_smarthost: 'm:25', smtp_from: a@b, smtp_auth_username: u, smtp_auth_password: hunter7 }",
        "global: { wechat_api_secret: hunter7, wechat_api_corp_id: c }", "global: { slack_api_url: 'http://h/hunter7' }",
        "global: { opsgenie_api_key: hunter7 }", "global: { victorops_api_key: hunter7 }",
        "receivers: [{ name: r, email_configs: [{ to: a@b, from: a@b, smarthost: 'm:25', auth_secret: hunter7 }] }]",
        "receivers: [{ name: r, sns_configs: [{ topic_arn: t, sigv4: { region: x, access_key: a, secret_key: hunter7 } }] }]",
        "receivers: [{ name: r, wechat_configs: [{ api_secret: hunter7, corp_id: c }] }]",
        "receivers: [{ name: r, webhook_configs: [{ url: 'http://h/hunter7', signing_secret: hunter7 }] }]",
    ])
    func `is not shown, wherever the configuration has it`(text: String) throws {
        let whole =
            text + (text.utf8.starts(with: "global".utf8) ? "\nreceivers: [{ name: r }]" : "") + "\nroute: { receiver: r }\n"
        let shown = try YAMLDocument(whole, file: "a.yml").shown(as: AlertmanagerFile.self)
        #expect(!shown.contains("hunter7") && shown.contains("<secret>"), "\(shown)")
    }
}
