/// One text, or a list of them.
public struct TextList: Decodable {
    public let texts: [String]

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
