import Columns

/// One key of a configuration file: its values, what holds without it, and what it is for.
///
/// The declarations are the one list that reading, hints for misspelled keys, `--print-defaults` and docs/configuration.md come
/// from: a number or duration outside its bounds is refused by them, and a key that no section declares is unknown.
struct KeyDeclaration: Sendable {
    /// The values that a key takes.
    enum Kind: Sendable, Equatable {
        case text
        /// `true` or `false`.
        case flag
        case number(ClosedRange<Int>)
        case fraction(ClosedRange<Double>)
        case duration(ClosedRange<Duration> = .zero ... .years(292))
        case choice([String])
        /// A list of texts.
        case texts
        /// One text, or a list of them.
        case textOrTexts
        /// Any names with texts.
        case textsByName
        /// Conditions on labels or columns, such as `severity="critical"`.
        case matchers
        /// A mapping with keys of its own.
        case section
        /// A list of such mappings.
        case sections
    }

    let name: String
    let kind: Kind
    /// What holds without the key, as YAML; nil where nothing does.
    let fallback: String?
    let isRequired: Bool
    /// A sentence.
    let meaning: String
    /// A value as YAML in one line.
    let example: String

    init(
        _ name: String, _ kind: Kind, default fallback: String? = nil, required isRequired: Bool = false, _ meaning: String,
        example: String
    ) {
        self.name = name
        self.kind = kind
        self.fallback = fallback
        self.isRequired = isRequired
        self.meaning = meaning
        self.example = example
    }
}

/// The keys of one mapping of a configuration file.
struct KeySection: Sendable {
    /// A file that obs reads. Each has its own root.
    enum File: String, Sendable, CaseIterable {
        case obs, alertmanager, pipeline, detections
    }

    let file: File
    /// The path of the mapping, such as `sources[]`; several paths where the same mapping is in several places; empty for the
    /// root.
    let places: [String]
    /// What the section is for: a sentence.
    let meaning: String
    let keys: [KeyDeclaration]

    init(_ file: File, _ places: String..., meaning: String, keys: [KeyDeclaration]) {
        self.init(file, places, meaning: meaning, keys: keys)
    }

    init(_ file: File, _ places: [String], meaning: String, keys: [KeyDeclaration]) {
        self.file = file
        self.places = places
        self.meaning = meaning
        self.keys = keys
    }

    subscript(name: String) -> KeyDeclaration? { keys.first { $0.name == name } }
}

/// All sections of all files.
enum KeySections {
    static let all = general + alerting + integrations + pipelines + detections

    /// The keys of an Alertmanager file; further ones of `alerting` are those of obs.
    private static let alertmanagersKeys = [
        "global", "templates", "route", "inhibit_rules", "receivers", "time_intervals", "mute_time_intervals",
    ]

    private static let byPlace: [KeySection.File: [String: KeySection]] = {
        var sections: [KeySection.File: [String: KeySection]] = [:]
        for section in all {
            for place in section.places { sections[section.file, default: [:]][place] = section }
            // An Alertmanager file is the section `alerting` without what obs adds.
            guard section.file == .obs else { continue }
            for place in section.places where place.hasPrefix("alerting.") {
                sections[.alertmanager, default: [:]][String(place.dropFirst("alerting.".count))] = section
            }
            guard section.places == ["alerting"] else { continue }
            sections[.alertmanager, default: [:]][""] = KeySection(
                .alertmanager, "", meaning: section.meaning, keys: section.keys.filter { alertmanagersKeys.contains($0.name) })
        }
        return sections
    }()

    /// The section at a path of a file; nil where the keys are not declared.
    static func section(of file: KeySection.File, at path: [any CodingKey]) -> KeySection? { byPlace[file]?[place(path)] }

    /// The section at a place of a file.
    static func section(of file: KeySection.File, at place: String) -> KeySection? { byPlace[file]?[place] }

    /// `alerting.receivers[]`: the path of a mapping, without the indices of lists. Routes below routes are where the root is.
    static func place(_ path: [any CodingKey]) -> String {
        var place = ""
        for key in path {
            if key.intValue != nil {
                place += "[]"
            } else {
                place += place.isEmpty ? key.stringValue : "." + key.stringValue
            }
            if place.hasSuffix("route.routes[]") { place.removeLast(".routes[]".count) }
        }
        return place
    }
}

/// The outermost value of a file whose keys are declared.
protocol DeclaredFile {
    static var declared: KeySection.File { get }
}

extension KeyDeclaration {
    /// What a value outside the bounds should be instead; nil when `number` is within them or there are none.
    func complaint(about number: Int) -> String? {
        guard case .number(let range) = kind, !range.contains(number) else { return nil }
        return range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }

    /// The same of a number with a fraction.
    func complaint(about number: Double) -> String? {
        guard case .fraction(let range) = kind, !range.contains(number) else { return nil }
        return "a number from \(range.lowerBound) to \(range.upperBound)"
    }

    /// The same of a duration. A text that is not a duration is left to the reader.
    func complaint(about text: String) -> String? {
        guard case .duration(let range) = kind, let duration = Duration(parsing: text), !range.contains(duration) else {
            return nil
        }
        return "a duration from \(range.lowerBound.prometheusText) to \(range.upperBound.prometheusText)"
    }
}

extension Duration {
    /// In Prometheus' notation, by the largest unit that it is a whole number of.
    var prometheusText: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        let units: [(String, Int64)] = [
            ("y", 31_536_000_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
        ]
        for (name, size) in units where milliseconds % size == 0 { return "\(milliseconds / size)\(name)" }
        return "\(milliseconds)ms"
    }

    static func years(_ count: Int64) -> Duration { .seconds(count * 365 * 86_400) }
    static func days(_ count: Int64) -> Duration { .seconds(count * 86_400) }
}
