/// The nearest of the names that one could have meant.
enum Spelling {
    /// A name at most a third of the letters away (Levenshtein distance), or nil.
    static func nearest(to name: String, among known: some Sequence<String>) -> String? {
        known.map { (name: $0, distance: distance(Array(name.unicodeScalars), Array($0.unicodeScalars))) }
            .filter { $0.distance <= max(2, name.unicodeScalars.count / 3) && $0.distance < name.unicodeScalars.count }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
    }

    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
