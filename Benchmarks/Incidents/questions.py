"""Times every question of the command line as a whole process, on a data directory that `incidents-bench fill` made.

usage: questions.py OBS DATA [LIMIT_MS]

Each is asked once to warm up and then OBS_BENCH_ROUNDS times (5); the median counts. Beside it stands the processor time, which other work on the machine
does not change much. It ends with 1 when one took longer than the limit (200 ms).
"""

import os, resource, statistics, subprocess, sys, time

obs, data = sys.argv[1:3]
limit = float(sys.argv[3]) if len(sys.argv) > 3 else 200
rounds = int(os.environ.get("OBS_BENCH_ROUNDS", "5"))


def sql(statement):
    return subprocess.run([obs, "query", "sql", statement, "--data-dir", data, "-o", "csv"], check=True, capture_output=True, text=True).stdout.splitlines()[1:]


newest, count = map(int, sql("SELECT max(number), count(*) FROM incident")[0].split(","))
middle = sql(f"SELECT number FROM incident WHERE number >= {(newest + 1001) // 2} AND state = 'resolved' AND acknowledged_by IS NOT NULL LIMIT 1")[0]
whole = sql("SELECT merged_into FROM incident WHERE merged_into IS NOT NULL LIMIT 1")[0]
far = sql(f"SELECT listed_at || '.' || number FROM incident WHERE number = {1001 + count // 10}")[0]
live = sql("SELECT number FROM incident WHERE state = 'open' ORDER BY number DESC LIMIT 1")[0]

QUESTIONS = [
    ("incidents", []),
    ("incidents", ["--limit", "1000"]),
    ("incidents", ["--cursor", far]),
    ("incidents", ["--cursor", far, "--severity", "critical", "--state", "resolved"]),
    ("incidents", ["--until", "330d"]),
    ("incidents", ["--since", "1h"]),
    ("incidents", ["--since", "200d", "--until", "199d"]),
] + [("incidents", ["--state", state]) for state in ("open", "acknowledged", "resolved")] + [
    ("incidents", ["--severity", severity]) for severity in ("info", "warning", "critical")
] + [
    ("incidents", ["--state", "open", "--severity", "critical"]),
    ("incidents", ["--state", "acknowledged", "--assignee", "emil"]),
    ("incidents", ["--state", "open", 'host="web-1"']),
    ("incidents", ["--state", "open", 'host!="web-1"']),
    ("incidents", ["--state", "resolved", "--severity", "critical", "--assignee", "ann"]),
    ("incidents", ["--assignee", "ann"]),
    ("incidents", ["--assignee", "nobody-of-that-name"]),
    ("incidents", ['host="web-1"']),
    ("incidents", ['host="web-250"']),
    ("incidents", ['host="none"']),
    ("incidents", ['cluster="prod"']),
    ("incidents", ['cluster!="prod"']),
    ("incidents", ['cluster="prod", source="198.18.0.1"']),
    ("incidents", ['host="web-1", user="frida"']),
    ("incidents", ['source=~"198.18.0.[0-9]+"']),
    ("incidents", ['host=~"web-24.*"']),
    ("incidents", ['host!~"web-.*"']),
    ("incidents", ['session="lfls"']),
    ("incidents", ['alertname="SSHBruteForce"']),
    ("incidents", ['alertname="SelfJobStalled"', "--severity", "info"]),
    ("incidents", ['alertname="SSHBruteForce"', "--severity", "info"]),
    ("incidents", ['alertname="SSHBruteForce", host="web-1"', "--severity", "info"]),
    ("incidents", ['alertname=~"SSH.*"']),
    ("incidents", ["--search", "brute force"]),
    ("incidents", ["--search", "backup job"]),
    ("incidents", ["--search", "firewall", "--state", "open"]),
    ("incidents", ["--search", "stalled"]),
    ("incidents", ["--search", "web-1 198.18.0.1 root"]),
    ("incidents", ["--search", "scra*"]),
    ("incidents", ["--search", "nosuchword"]),
    ("incident", [str(newest)]),
    ("incident", [live]),
    ("incident", [middle]),
    ("incident", ["1001"]),
    ("incident", [whole]),
    ("incident", [middle, "-o", "markdown"]),
    ("incident", [middle, "-o", "csv"]),
    ("stats", []),
    ("stats", ["--since", "30d"]),
    ("stats", ["--since", "300d", "--until", "17d"]),
    ("stats", ["--by", "severity"]),
    ("stats", ["--by", "receiver"]),
    ("stats", ["--by", "day"]),
    ("alerts", []),
    ("alerts", ["--state", "firing"]),
    ("alerts", ["--state", "resolved", 'host="web-1"']),
    ("alerts", ['host="none"']),
    ("notifications", []),
    ("notifications", ["--state", "dead"]),
    ("notifications", ["--state", "sent", "--since", "1h"]),
    ("notifications", ["--receiver", "oncall"]),
    ("notifications", ["--receiver", "none"]),
    ("notifications", ["--until", "29d"]),
    ("silences", []),
    ("silences", ["--state", "expired"]),
    ("runs", []),
    ("runs", ["--pipeline", "rail"]),
    ("runs", ["--pipeline", "none"]),
    ("runs", ["--since", "1h"]),
    ("runs", ["77"]),
    ("audit", []),
    ("audit", ["--subject", f"INC-{middle}"]),
    ("audit", ["--actor", "emil"]),
    ("audit", ["--actor", "none"]),
    ("audit", ["--since", "200d", "--until", "199d"]),
    ("sql", ["SELECT * FROM incident ORDER BY number DESC", "--limit", "100"]),
    ("sql", ["SELECT name, count(*) FROM incident WHERE state = 'open' GROUP BY name"]),
]

print(f"{count} incidents, {os.path.getsize(data + '/obs.db') / 1e9:.1f} GB; median of {rounds} whole processes, milliseconds")
print(f"{'median':>7} {'slowest':>8} {'cpu':>5} {'MB':>5} {'rows':>6}  obs query")
slow = 0
for command, words in QUESTIONS:
    times, work, peak = [], [], 0
    for turn in range(rounds + 1):
        start = time.monotonic()
        process = subprocess.Popen([obs, "query", command, *words, "--data-dir", data], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out = process.stdout.read()
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        if turn:
            times.append((time.monotonic() - start) * 1000)
            work.append((usage.ru_utime + usage.ru_stime) * 1000)
        peak = max(peak, usage.ru_maxrss / 1024)
        if status != 0:
            raise SystemExit(f"obs query {command} {words} failed: {error.decode()}")
    median = statistics.median(times)
    slow += median > limit
    rows = out.count(b"\n") - 1
    mark = f"   <-- slower than {limit:.0f} ms" if median > limit else ""
    print(f"{median:7.0f} {max(times):8.0f} {statistics.median(work):5.0f} {peak:5.0f} {rows:6}  {command} {' '.join(words)}{mark}", flush=True)
sys.exit(1 if slow else 0)
