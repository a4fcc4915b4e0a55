"""Posts distinct alerts to obs and to Alertmanager with the same configuration, each a process of its own, in turn, and prints medians and ratios.

The job: 50,000 distinct alerts in batches of 500 over one connection, each batch answered before the next is sent; then all of them asked for once, in groups. obs has
a batch in SQLite, synced, before it answers; Alertmanager keeps alerts in memory. OBS_BENCH_ALERTS sets the number, OBS_BENCH_ROUNDS the rounds.
"""

import http.client, json, os, shutil, socket, statistics, subprocess, sys, tempfile, time

obs = sys.argv[1]
count = int(os.environ.get("OBS_BENCH_ALERTS", "50000"))
rounds = int(os.environ.get("OBS_BENCH_ROUNDS", "3"))
BATCH = 500
ROUTING = """
route: { receiver: sink, group_by: [alertname], group_wait: 30s }
receivers: [{ name: sink }]
"""


def alert(index):
    return {
        "labels": {"alertname": f"LoadAlert{index % 50}", "instance": f"host-{index:06}:9100", "job": "node", "severity": "warning", "cluster": f"eu-{index % 7}"},
        "annotations": {"summary": f"host {index} is in trouble", "description": f"something about host {index} that takes a line of text to say"},
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
    }


bodies = [json.dumps([alert(i) for i in range(first, min(first + BATCH, count))]).encode() for first in range(0, count, BATCH)]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(connection, method, path, body=None):
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{method} {path}: {answer.status} {text[:200].decode()}")
    return text


def command(name, folder, port):
    if name == "obs":
        section = "".join("  " + line + "\n" for line in ROUTING.strip().split("\n"))
        with open(folder + "/obs.yaml", "w") as file:
            file.write(f'data_dir: {folder}/data\nhttp: {{ listen: "127.0.0.1:{port}" }}\nalerting:\n{section}')
        return [obs, "run", "-c", folder + "/obs.yaml"]
    with open(folder + "/alertmanager.yml", "w") as file:
        file.write(ROUTING)
    return ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]


def peak_memory(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def run(name):
    """Seconds to post all, seconds to read the groups, peak megabytes before and after reading."""
    folder, port = tempfile.mkdtemp(), free_port()
    process = subprocess.Popen(command(name, folder, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
                ask(connection, "GET", "/-/ready")
                break
            except (OSError, SystemExit):
                time.sleep(0.05)
        start = time.monotonic()
        for body in bodies:
            ask(connection, "POST", "/api/v2/alerts", body)
        posted = time.monotonic() - start
        before = peak_memory(process)
        # Alertmanager answers before its groups have the alerts: what counts is a reading that shows all.
        for _ in range(600):
            start = time.monotonic()
            text = ask(connection, "GET", "/api/v2/alerts/groups")
            read = time.monotonic() - start
            found = sum(len(group["alerts"]) for group in json.loads(text))
            if found == count:
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"{name} shows {found} of {count} alerts")
        return posted, read, before, peak_memory(process)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


names = ["obs"] + (["alertmanager"] if shutil.which("prometheus-alertmanager") else [])
results = {name: [] for name in names}
for _ in range(rounds):
    for name in names:
        results[name].append(run(name))
print(f"{count} alerts in batches of {BATCH}, median of {rounds}")
median = {name: [statistics.median(run[i] for run in runs) for i in range(4)] for name, runs in results.items()}
for name, (posted, read, before, after) in median.items():
    print(f"{name:12} posted {posted:6.2f} s  {count / posted / 1000:5.1f} k alerts/s  peak {before:4.0f} MB  /alerts/groups {read:6.2f} s, then peak {after:4.0f} MB")
if len(names) > 1:
    ours, theirs = median["obs"], median["alertmanager"]
    print(f"obs posts {theirs[0] / ours[0]:.1f} x as fast, reads groups {theirs[1] / ours[1]:.1f} x as fast, in {ours[3] / theirs[3]:.2f} of the memory")
else:
    print("Alertmanager is not installed: nothing to compare with")
