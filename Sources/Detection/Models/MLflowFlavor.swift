import Columns

/// The files beside a model's own by which MLflow loads its folder as a `pyfunc`: a table of pandas in, a score per row out. The
/// scoring itself is done by the program `obs` on the machine that loads it.
///
/// Source: MLflow, "MLflow Models" and "Custom Python Models", version 3.
struct MLflowFlavor {
    /// By path in the model's folder.
    let files: [(path: String, text: String)]

    /// - Parameter checksum: of the model's file.
    init(_ model: some RegisteredModel, checksum: String) {
        files = [
            ("MLmodel", Self.description(model, checksum)),
            ("code/obs_pyfunc.py", Self.loader),
            ("requirements.txt", "mlflow>=2.9\nnumpy\npandas\n"),
            (
                "python_env.yaml",
                "python: '3.11'\nbuild_dependencies: [pip, setuptools, wheel]\ndependencies: [-r requirements.txt]\n"
            ),
        ]
    }

    /// YAML whose values are all plain or in quotes that are JSON's, which YAML reads too. There is no signature: by one MLflow
    /// would refuse whole numbers where training had fractions.
    private static func description(_ model: some RegisteredModel, _ checksum: String) -> String {
        return """
            flavors:
              obs:
                kind: \(type(of: model).kind)
                sha256: \(checksum)
              python_function:
                loader_module: obs_pyfunc
                data: \(ModelFile.name)
                code: code
                env: {virtualenv: python_env.yaml}
            utc_time_created: \(JSONText.quote(model.trainedAt.description))
            metadata: {"features": [\(model.features.map(JSONText.quote).joined(separator: ","))]}

            """
    }

    private static let loader = """
        \"""Scores rows with a model of obs: a data frame in, one number per row out.

        Runs the program that OBS_BINARY names, else obs on the path.
        \"""
        import os
        import subprocess
        import tempfile

        import numpy
        import pandas


        class ObsModel:
            def __init__(self, path):
                self.path = path

            def predict(self, model_input, params=None):
                table = pandas.DataFrame(model_input)
                if len(table) == 0:
                    return numpy.zeros(0)
                with tempfile.TemporaryDirectory() as folder:
                    rows = os.path.join(folder, "rows.csv")
                    table.to_csv(rows, index=False)
                    done = subprocess.run(
                        [os.environ.get("OBS_BINARY", "obs"), "model", "score", "--file", self.path, "--csv", rows],
                        capture_output=True, text=True)
                if done.returncode != 0:
                    raise RuntimeError(done.stderr.strip() or f"obs ended with {done.returncode}")
                return numpy.array([float(line) for line in done.stdout.split()])


        def _load_pyfunc(path):
            return ObsModel(path)

        """
}
