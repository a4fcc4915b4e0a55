/// One text, or a list of them.
public struct TextList: Decodable {
    /// One or more, in their order.
    public let texts: [String]

    /// Reads a text or a list of texts.
    public init(from decoder: any Decoder) throws {
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
