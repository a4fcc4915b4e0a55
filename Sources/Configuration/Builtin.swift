import Detection
import Streaming

/// What obs does without any configuration file: `pipelines/*.yaml` and `alerts/detections/*.yml` as they were when the program
/// was built, to be copied and changed.
enum Builtin {
    /// The texts are part of the program, and a test reads each.
    static let pipelines: [PipelineDefinition] = BuiltinTexts.pipelines.map { name, text in
        try! YAMLDocument(text, file: "pipelines/\(name).yaml").decode(PipelineFile.self).definition
    }

    static let detections: [DetectionEntry] = BuiltinTexts.detections.flatMap { name, text in
        try! YAMLDocument(text, file: "alerts/detections/\(name).yml").decode([DetectionEntry].self)
    }
}
