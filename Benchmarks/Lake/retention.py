#!/usr/bin/env python3
"""A day of sshd's lines, ten times the size of the disk, on a disk of 200 MB with retention by share.

    sudo Benchmarks/Lake/retention.py OBS [--megabytes 200] [--times 10] [--hours 24] [--share 0.35]

The data directory is on a tmpfs of its own, in a mount namespace of its own; without root it says so and ends. The log is elsewhere, rotated every simulated hour; the
hours come as fast as obs reads them. Nothing may stop: no pipeline may fail, every line is read, the newest lines are in bronze, and `obs lake verify` and
`obs verify source` find nothing wrong. Beside the tables obs needs some 80 MB: its database writes 64 MB ahead. Needs Python 3.9 and nothing else.
"""
import argparse, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.request

options = argparse.ArgumentParser()
options.add_argument("obs")
options.add_argument("--megabytes", type=int, default=200)
options.add_argument("--times", type=float, default=10)
options.add_argument("--hours", type=int, default=24)
options.add_argument("--share", type=float, default=0.35, help="max_share of bronze; silver has half of it")
options = options.parse_args()

if os.environ.get("OBS_OWN_MOUNTS") is None:
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True)
    if probe.returncode != 0:
        print("skipped: a disk of its own needs root and mount namespaces")
        sys.exit(0)
    os.environ["OBS_OWN_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable] + sys.argv)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def scrape():
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read().decode()
    except OSError:
        return {}
    def total(name):
        return sum(float(v) for v in re.findall(r"^" + name + r"(?:\{[^}]*\})? (\S+)$", text, re.M))
    return {name: total(name) for name in (
        "obs_source_lines_total", "obs_pipeline_restarts_total", "obs_retention_removed_rows_total", "obs_retention_removed_bytes_total",
        "obs_retention_failures_total", "obs_lake_upkeep_failures_total", "obs_source_lost_files_total")}


def used():
    s = os.statvfs(disk)
    return 1 - s.f_bavail / s.f_blocks


folder = tempfile.mkdtemp()
disk = folder + "/disk"
os.mkdir(disk)
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={options.megabytes}m", "tmpfs", disk], check=True)
port, log = free_port(), folder + "/auth.log"
with open(folder + "/obs.yaml", "w") as file:
    file.write(f"""data_dir: {disk}/data
http: {{ listen: "127.0.0.1:{port}" }}
sources: [{{ name: auth, file: {log} }}]
verify_every: never
retention:
  every: 1s
  keep_at_least: 0s
  tables:
    - {{ table: bronze, max_share: {options.share} }}
    - {{ table: silver, max_share: {options.share / 2} }}
    - {{ table: gold, max_share: 0.1 }}
""")
open(log, "w").close()
said = open(folder + "/obs.log", "w")
obs = subprocess.Popen([options.obs, "run", "-c", folder + "/obs.yaml"], stderr=said, stdout=said)
begun, written, lines, most, stops = time.time(), 0, 0, 0.0, 0
wanted = options.times * options.megabytes * 1e6 / options.hours
now = scrape()
try:
    for hour in range(options.hours):
        start = f"2026-01-{1 + hour // 24:02}T{hour % 24:02}:00:00Z"
        size = 0
        maker = subprocess.Popen(
            [options.obs, "simulate", "ssh", "--for", "60m", "--rate", str(wanted / 115 / 3600), "--seed", str(hour + 1), "--start", start],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with open(log, "ab") as file:
            while piece := maker.stdout.read(1 << 20):
                file.write(piece)
                size += len(piece)
                lines += piece.count(b"\n")
        maker.wait()
        written += size
        while (now := scrape() or now).get("obs_source_lines_total", 0) < lines:
            most = max(most, used())
            if obs.poll() is not None:
                print(f"obs has ended with {obs.returncode}; {folder}/obs.log")
                sys.exit(1)
            time.sleep(0.2)
        if hour + 1 < options.hours:
            if os.path.exists(log + ".1"):
                os.replace(log + ".1", log + ".2")
            os.replace(log, log + ".1")
            open(log, "w").close()
    time.sleep(15)
    now, full = scrape(), used()
    stops = open(folder + "/obs.log").read().count("a pipeline failed")
    obs.send_signal(signal.SIGTERM)
    code = obs.wait(120)
    verify = subprocess.run([options.obs, "lake", "verify", "--data-dir", disk + "/data"], capture_output=True, text=True)
    proof = subprocess.run([options.obs, "verify", "source", "auth", "-c", folder + "/obs.yaml"], capture_output=True, text=True)
    tables = json.loads(subprocess.run(
        [options.obs, "lake", "tables", "--data-dir", disk + "/data", "-o", "json"], capture_output=True, text=True).stdout)
    print(f"{options.hours} hours, {written / 1e6:.0f} MB of text on a disk of {options.megabytes} MB, {lines} lines in {time.time() - begun:.0f} s")
    print(f"the disk was {100 * most:.0f} % full at the most, {100 * full:.0f} % at the end; {now['obs_retention_removed_rows_total']:.0f} rows, "
          f"{now['obs_retention_removed_bytes_total'] / 1e6:.0f} MB removed; {stops} stops, exit {code}, "
          f"{now['obs_retention_failures_total']:.0f} failures of retention, {now['obs_lake_upkeep_failures_total']:.0f} of merging")
    for table in tables:
        print(f"  {table['table']}: {table['rows']} rows, {table['bytes'] / 1e6:.1f} MB, since {table.get('since')}")
    print(f"lake verify: {verify.returncode} {verify.stderr.strip()[:300]}")
    print(f"verify source: {proof.returncode} {proof.stderr.strip()[:300]}")
    sys.exit(0 if stops == code == verify.returncode == proof.returncode == 0 else 1)
finally:
    obs.kill()
    subprocess.run(["umount", "-l", disk])
    if stops == 0:
        shutil.rmtree(folder, ignore_errors=True)
