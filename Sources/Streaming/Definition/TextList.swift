/// One text, or a list of them.
struct TextList: Decodable {
    /// One or more, in their order.
    let texts: [String]

    /// Reads a text or a list of texts.
    init(from decoder: any Decoder) throws {
        if let list = try? decoder.unkeyedContainer() {
            var list = list
            var texts: [String] = []
            while !list.isAtEnd { texts.append(try list.decode(String.self)) }
            self.texts = texts
        } else {
            texts = [try decoder.singleValueContainer().decode(String.self)]
        }
    }
}

extension KeyedDecodingContainer {
    /// One text, or a list of them; nil where the key is missing.
    public func textOrTexts(_ key: Key) throws -> [String]? { try decodeIfPresent(TextList.self, forKey: key)?.texts }
}
