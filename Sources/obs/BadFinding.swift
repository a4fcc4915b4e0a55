/// What was looked at is bad: exit code 1.
struct BadFinding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
