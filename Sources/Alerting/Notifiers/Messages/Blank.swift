extension String {
    /// Nothing is to be seen of it: a service would refuse it as a message, and a reader see no title.
    var isBlank: Bool { unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint } }

    var nilIfBlank: String? { isBlank ? nil : self }
}
