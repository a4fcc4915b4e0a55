/// What the declared keys say to people: docs/configuration.md, and `obs check config --print-defaults`.
enum ConfigurationReference {
    /// `obs.yaml` with every key of `alerting` and outside it that has a default, and its meaning; reading it is like reading no
    /// file.
    static var defaults: String {
        var lines = [
            "# The defaults of obs.yaml; docs/configuration.md has every key of every file.", "",
        ]
        lines += yaml("", indent: "")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func yaml(_ place: String, indent: String) -> [String] {
        guard
            let section = KeySections.general.first(where: { $0.places == [place] })
                ?? (KeySections.alerting + KeySections.integrations).first(where: { $0.places == [place] })
        else { return [] }
        return section.keys.flatMap { key -> [String] in
            let meaning = "\(indent)# \(key.meaning)"
            switch (key.kind, key.fallback) {
            case (.section, _):
                let innerPlace = place.isEmpty ? key.name : "\(place).\(key.name)"
                let inner = yaml(innerPlace, indent: indent + "  ")
                // A route is none until there is one, and so is what must have keys that have no default.
                let mustSay = KeySections.section(of: .obs, at: innerPlace)?.keys.contains(where: \.isRequired) == true
                let isOptional = key.name == "route" || mustSay || inner.isEmpty
                return isOptional
                    ? [meaning, "\(indent)# \(key.name): \(key.example)"] : [meaning, "\(indent)\(key.name):"] + inner
            case (_, let value?): return [meaning, "\(indent)\(key.name): \(value)"]
            case (_, nil): return [meaning, "\(indent)# \(key.name): \(key.example)"]
            }
        }
    }

    /// docs/configuration.md.
    static var markdown: String {
        var text = """
            # Configuration

            Every key of `obs.yaml`, of pipelines and of detections, made from the list by which they are read
            (`Sources/Configuration/Keys`). `obs check config` reads a configuration and says what is wrong with it, with file and
            line; `obs check config --print-defaults` prints the defaults as an `obs.yaml`.

            A duration is written as Prometheus does: `30s`, `5m`, `1h30m`, `2d`, `1w`. A matcher is a condition such as
            `severity="critical"`, `user!=""` or `event=~"failed_.*"`; several are separated by commas. A key without a default \
            and
            without "required" may be left out.


            """
        for file in KeySection.File.allCases where file != .alertmanager {
            for section in KeySections.all where section.file == file { text += markdown(of: section) }
        }
        while text.hasSuffix("\n\n") { text.removeLast() }
        return text
    }

    private static func markdown(of section: KeySection) -> String {
        let root: String
        switch section.file {
        case .obs, .alertmanager: root = "obs.yaml"
        case .pipeline: root = "A pipeline"
        case .detections: root = "A file of detections"
        }
        let title = section.places[0].isEmpty ? root : "\(root): `\(section.places[0])`"
        var text = "## \(title)\n\n\(section.meaning)\n\n| key | type | default | meaning | example |\n|---|---|---|---|---|\n"
        for key in section.keys {
            let fallback = key.isRequired ? "required" : key.fallback.map { "`\($0)`" } ?? ""
            let cells = ["`\(key.name)`", key.kind.description, fallback, key.meaning, "`\(key.example)`"]
            text +=
                "| "
                + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
                .joined(separator: " | ") + " |\n"
        }
        return text + "\n"
    }
}

extension Configuration {
    /// `obs.yaml` with every key that has a default, and its meaning; reading it is like reading no file.
    public static var defaults: String { ConfigurationReference.defaults }
}

extension KeyDeclaration.Kind: CustomStringConvertible {
    /// The type in words, with its bounds.
    var description: String {
        switch self {
        case .text: "text"
        case .flag: "true or false"
        case .number(let range):
            range.upperBound == .max ? "number from \(range.lowerBound)" : "number, \(range.lowerBound) to \(range.upperBound)"
        case .fraction(let range): range == 0...1 ? "number, 0 to 1" : "number"
        case .duration(let range):
            range == .zero ... .years(292)
                ? "duration" : "duration, \(range.lowerBound.prometheusText) to \(range.upperBound.prometheusText)"
        case .choice(let choices): choices.dropLast().joined(separator: ", ") + " or " + (choices.last ?? "")
        case .texts: "list of texts"
        case .textOrTexts: "text or list of texts"
        case .textsByName: "mapping of texts"
        case .matchers: "matchers"
        case .section: "mapping"
        case .sections: "list of mappings"
        }
    }
}
