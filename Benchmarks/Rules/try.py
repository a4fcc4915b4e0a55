"""Tries the built-in rules for sshd on 30 days of a simulated log, and measures what rules cost in the whole job.

    Benchmarks/Rules/try.py OBS [EVENTS] [FOLDER]

Makes a log of about EVENTS lines (20 million by default) over 30 days with an attack every ten minutes, processes it with and without rules,
and runs `obs rules try` on what that leaves. Prints events per second, the share of the job that rules have, and whether the findings are
equal to the incidents of the live engine: rule, key, start and count.
"""

import json, os, resource, shutil, subprocess, sys, tempfile, time

obs = os.path.abspath(sys.argv[1])
events = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000_000
folder = sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="obs-rules-")
root = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
rules = root + "/alerts/detections/ssh.yml"
START, DAYS = "2026-01-01T00:00:00Z", 30
log, data = folder + "/auth.log", folder + "/data"


def run(*command, output=subprocess.DEVNULL):
    """Runs a process to its end: seconds on the clock and of the processor, the most memory in MB, and its output."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE)
    text = process.stdout.read() if output == subprocess.PIPE else b""
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)}: {errors[-600:]}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text.decode()


def process(folder, *options):
    shutil.rmtree(folder, ignore_errors=True)
    return run(obs, "process", log, "--time-zone", "UTC", "--data-dir", folder, "--quiet", *options)


if not os.path.exists(log):
    run(obs, "simulate", "ssh", "--for", f"{DAYS}d", "--start", START, "--rate", str(events / (DAYS * 86_400) * 0.97), "--fault-every", "10m", "--seed", "1",
        "--out", log)
bare = folder + "/bare.yaml"
with open(bare, "w") as file:
    file.write(f"builtin: false\npipelines: [{root}/pipelines/ssh.yaml]\n")

without = process(folder + "/without", "-c", bare)
with_rules = process(data)
print(f"the whole job without rules {without[0]:7.1f} s, processor {without[1]:7.1f} s, peak {without[2]:5.0f} MB")
print(f"the whole job with rules    {with_rules[0]:7.1f} s, processor {with_rules[1]:7.1f} s, peak {with_rules[2]:5.0f} MB; "
      f"{with_rules[1] / without[1]:.2f} x the processor time")


def tried(file):
    took = run(obs, "rules", "try", file, "--since", START, "--until", f"2026-02-15T00:00:00Z", "--data-dir", data, "-o", "json", "--quiet", output=subprocess.PIPE)
    return took, json.loads(took[3])


for name, file in (("all rules", rules), ("one rule", None)):
    if file is None:
        file = folder + "/one.yml"
        with open(rules) as all_rules, open(file, "w") as one:
            text = all_rules.read()
            one.write("- name: SSHBruteForce\n" + text.split("- name: SSHBruteForce\n")[1].split("\n- name:")[0] + "\n")
    took, report = tried(file)
    rows = report["rows"]
    print(f"obs rules try, {name}: {rows} events in {took[0]:.1f} s: {rows / took[0] / 1e6:.2f} M events/s, "
          f"processor {took[1]:.1f} s: {rows / took[1] / 1e6:.2f} M events per second of it, peak {took[2]:.0f} MB, {len(report['findings'])} findings")
    if name == "all rules":
        found = report["findings"]

# Sessions of one group that lie so near each other are one incident (incidents.join_within, in microseconds).
NEAR = 2 * 3_600_000_000
live = json.loads(run(obs, "query", "sql", "SELECT name, starts_at, last_seen, count, labels FROM incident WHERE detector = 'rule'", "--limit", "1000000", "--timeout", "600", "--data-dir",
                      data, "-o", "json", output=subprocess.PIPE)[3])


def microseconds(text):
    whole, _, part = text.rstrip("Z").partition(".")
    return int(time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone) * 1_000_000 + int((part + "000000")[:6])


groups = {}
for one in sorted(found, key=lambda one: one["starts_at"]):
    start, last = microseconds(one["starts_at"]), microseconds(one["last_seen"])
    known = groups.setdefault((one["rule"], one["about"]), [])
    if known and start - NEAR <= known[-1][2]:
        known[-1] = (known[-1][0], max(known[-1][1], one["count"]), max(known[-1][2], last))
    else:
        known.append((start, one["count"], last))
ours = {(rule, start, count) for (rule, about), sessions in groups.items() for start, count, _ in sessions}
theirs = {(one["name"], one["starts_at"] if isinstance(one["starts_at"], int) else microseconds(one["starts_at"]), one["count"]) for one in live}
names = {rule for rule, _, _ in ours} | {rule for rule, _, _ in theirs}
print(f"equal to the live engine: {'yes' if ours == theirs else 'no'}; {len(ours)} incidents of {len(names)} rules, "
      f"{len(ours - theirs)} only tried, {len(theirs - ours)} only live")
for label, rest in (("only tried", ours - theirs), ("only live", theirs - ours)):
    for one in sorted(rest)[:5]:
        print(f"  {label}: {one}")
