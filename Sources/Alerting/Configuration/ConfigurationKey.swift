/// One part of where a value is in a configuration, for mistakes that are found when all of it is read.
struct ConfigurationKey: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) {
        stringValue = name
        intValue = nil
    }

    init(_ index: Int) {
        stringValue = String(index)
        intValue = index
    }

    init(stringLiteral name: String) { self.init(name) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}

extension DecodingError {
    /// A mistake that is reported with the line of the value at `path`, seen from where `decoder` is.
    static func found(_ error: AlertingError, at path: [ConfigurationKey], in decoder: any Decoder) -> DecodingError {
        .dataCorrupted(.init(codingPath: decoder.codingPath + path, debugDescription: "\(error)"))
    }
}
