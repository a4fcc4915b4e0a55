extension String {
    /// True when a reader would see nothing: a service refuses such a text as a message.
    public var isBlank: Bool {
        unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint }
    }

    /// The text, or nil when a reader would see nothing of it.
    public var nilIfBlank: String? { isBlank ? nil : self }
}
