import Columns
import Foundation

/// A message published by Amazon's Simple Notification Service, with a signature of version 4.
///
/// Source: Alertmanager 0.25, notify/sns; Amazon SNS, "Publish".
struct SNS: HTTPIntegration {
    static let key = "sns_configs"
    static let name = "sns"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var texts: [Text: MessageTemplate]
    var attributes: [String: MessageTemplate]
    var region = ""
    var accessKey = ""
    var secretKey: Secret?

    enum Text: String, CodingKey, CaseIterable { case api_url, topic_arn, phone_number, target_arn, subject, message }

    private enum CodingKeys: String, CodingKey { case sigv4, attributes }
    private enum SignatureKeys: String, CodingKey { case region, access_key, secret_key, profile, role_arn }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        let words = try decoder.container(keyedBy: Text.self)
        let standard: [Text: MessageTemplate] = [.subject: DefaultMessages.subject, .message: DefaultMessages.alertList]
        texts = [:]
        for key in Text.allCases { texts[key] = try words.template(key, default: standard[key] ?? DefaultMessages.empty) }
        attributes = try keys.templates(.attributes)
        let targets = [Text.topic_arn, .phone_number, .target_arn].count { !(texts[$0]?.source.isEmpty ?? true) }
        guard targets == 1 else {
            throw NotifierError.badValue(
                "sns_configs has \(targets == 0 ? "none" : "\(targets)") of topic_arn, target_arn and phone_number; give one")
        }
        if keys.contains(.sigv4), try !keys.decodeNil(forKey: .sigv4) {
            let inner = try keys.nestedContainer(keyedBy: SignatureKeys.self, forKey: .sigv4)
            region = try inner.decodeIfPresent(String.self, forKey: .region) ?? ""
            accessKey = try inner.decodeIfPresent(String.self, forKey: .access_key) ?? ""
            secretKey = try inner.decodeIfPresent(Secret.self, forKey: .secret_key).flatMap { $0.isEmpty ? nil : $0 }
            for key in [SignatureKeys.profile, .role_arn] {
                guard try inner.decodeIfPresent(String.self, forKey: key)?.isEmpty ?? true else {
                    throw inner.refused(
                        key, "obs does not know \(key.rawValue) in sigv4: it signs with access_key and secret_key only")
                }
            }
        }
        guard !accessKey.isEmpty, secretKey != nil else {
            throw NotifierError.missing(
                """
                access_key and secret_key under sigv4 in sns_configs (obs reads no credentials of the machine or of an \
                AWS profile)
                """
            )
        }
        if region.isEmpty, let host = URLComponents(string: texts[.api_url]?.source ?? "")?.host {
            region = host.split(separator: ".").dropFirst().first.map(String.init) ?? ""
        }
        guard !region.isEmpty else { throw NotifierError.missing("region under sigv4 in sns_configs") }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) { adoptHTTP(global) }

    var templates: [MessageTemplate] { Array(texts.values) + Array(attributes.values) }

    /// An error is XML with a code, even with status 200; a rate limit is status 400.
    ///
    /// Source: Amazon SNS, "Common error types", "Publish", "Errors".
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        guard answer.says("<errorresponse", "<error>") || answer["Error"] != nil else { return nil }
        return ServiceObjection(isPassing: answer.saysLater || answer.says("internalfailure", "requestexpired"))
    }

    static let maxMessage = 262_144
    static let maxShortMessage = 1600
    static let maxSubject = 100

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice)
        func text(_ key: Text) -> String { texts[key].map(model.text) ?? "" }
        var fields = [("Action", "Publish"), ("Version", "2010-03-31")]
        var attributes = self.attributes.mapValues(model.text)
        let topic = text(.topic_arn)
        if !topic.isEmpty {
            fields.append(("TopicArn", topic))
            if topic.hasSuffix(".fifo") {
                // The key of the text, not of the group: Amazon would drop a newer text of the group within five minutes.
                fields += [("MessageDeduplicationId", Digest.sha256Hex(notice.key)), ("MessageGroupId", notice.groupHash)]
            }
        }
        if let target = text(.target_arn).nilIfEmpty { fields.append(("TargetArn", target)) }
        let whole = text(.message)
        // Attributes count too; an empty one would be refused.
        attributes = attributes.filter { !$0.value.isEmpty }
        let used = attributes.reduce(32) { $0 + $1.key.utf8.count + $1.value.utf8.count + 6 }
        var message = whole.truncated(toBytes: max(0, Self.maxMessage - used))
        if let number = text(.phone_number).nilIfEmpty {
            fields.append(("PhoneNumber", number))
            message = whole.truncated(toScalars: Self.maxShortMessage)
        }
        if message != whole { attributes["truncated"] = "true" }
        fields.append(("Message", message.isBlank ? "(no details)" : message))
        if let subject = Self.subject(text(.subject)) { fields.append(("Subject", subject)) }
        for (index, attribute) in attributes.sorted(by: { $0.key < $1.key }).enumerated() {
            let entry = "MessageAttributes.entry.\(index + 1)"
            fields += [
                ("\(entry).Name", attribute.key), ("\(entry).Value.DataType", "String"),
                ("\(entry).Value.StringValue", attribute.value),
            ]
        }
        let secret = try secretKey?.reveal() ?? ""
        let url = try Endpoint(text(.api_url).nilIfEmpty ?? "https://sns.\(region).amazonaws.com/").reveal()
        var request = HTTPRequest.form(fields, to: url, secrets: [secret, accessKey])
        request.awsSignature = .init(scope: "aws:amz:\(region):sns", accessKey: accessKey, secretKey: secret)
        return [request]
    }

    /// One line of ASCII, as the service requires.
    private static func subject(_ text: String) -> String? {
        let line = text.unicodeScalars.filter { (0x20..<0x7F).contains($0.value) }.drop { $0 == " " }.prefix(maxSubject)
        return String(String.UnicodeScalarView(line)).nilIfBlank
    }
}
