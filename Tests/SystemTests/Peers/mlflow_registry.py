"""Publishes the models of a data directory to a real MLflow server, and reads them back with MLflow's own client.

usage: mlflow_registry.py OBS FOLDER ROWS.csv        python3 with mlflow; FOLDER has data/ with the model `pump`

Prints JSON: what the client sees, and the scores that the model gives when MLflow has loaded it.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

obs, folder, rows = sys.argv[1:4]
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
url = f"http://127.0.0.1:{port}"
log = open(f"{folder}/mlflow.log", "w")
server = subprocess.Popen(
    [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
     "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts"],
    stdout=log, stderr=log, start_new_session=True)
try:
    for _ in range(600):
        try:
            urllib.request.urlopen(url + "/health", timeout=2)
            break
        except OSError:
            if server.poll() is not None:
                sys.exit("mlflow server ended: " + open(f"{folder}/mlflow.log").read()[-2000:])
            time.sleep(0.2)
    with open(f"{folder}/obs.yaml", "w") as file:
        file.write(f"data_dir: {folder}/data\nmlflow: {{ tracking_uri: \"{url}\", experiment: pumps }}\n")

    def run(*arguments):
        done = subprocess.run([obs, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"obs {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    config = ["-c", f"{folder}/obs.yaml"]
    first = json.loads(run("model", "publish", *config, "-o", "json"))
    run("model", "alias", "pump", "champion", "2", *config)
    again = json.loads(run("model", "publish", *config, "-o", "json"))

    os.environ["OBS_BINARY"] = obs
    import mlflow
    import pandas

    mlflow.set_tracking_uri(url)
    client = mlflow.MlflowClient()
    model = client.get_registered_model("pump")
    version = client.get_model_version("pump", "1")
    details = client.get_run(version.run_id)
    table = pandas.read_csv(rows)
    loaded = mlflow.pyfunc.load_model("models:/pump@champion")
    print(json.dumps({
        "first": first, "again": again,
        "versions": sorted(int(v.version) for v in client.search_model_versions("name='pump'")),
        "aliases": {name: int(number) for name, number in model.aliases.items()},
        "experiment": client.get_experiment(details.info.experiment_id).name,
        "status": details.info.status, "params": details.data.params, "metrics": details.data.metrics,
        "artifacts": sorted(f.path for f in client.list_artifacts(version.run_id, "model")),
        "inputs": loaded.metadata.metadata["features"],
        "scores": [float(score) for score in loaded.predict(table)],
    }))
finally:
    # It has nothing to keep.
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
