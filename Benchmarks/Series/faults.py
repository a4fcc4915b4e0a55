#!/usr/bin/env python3
"""What rules and series find of simulated faults: the table of docs/detection.md.

    Benchmarks/Series/faults.py [--obs .build/release/obs] [--seeds 10] [--days 3] [KIND …]

For each seed and fault `obs simulate` writes a log of some days with that fault each eight hours, `obs process` makes tables of
it, and `obs rules try` shows them to the built-in rules and to series.yml. A fault counts as found when something was found
between its beginning and two hours after its end; what was found at other times was found wrongly. The first day is not
judged: series learn. How late is from the fault's first line, in event time, without the time until a window closes.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
START = datetime(2026, 3, 2, tzinfo=timezone.utc)
EVERY = timedelta(hours=8)
MINUTES = {"bearing": 240, "dragging-brakes": 240, "workshop-delay": 360, "self": 10}
FAULTS = {
    "rail": ["bearing", "dragging-brakes", "workshop-delay"],
    "shop": ["slow-pages", "scraper", "bad-product"],
    "events": ["surge", "silence", "meter"],
    "self": ["error-burst", "slow-stages", "stall"],
}
INPUTS = {
    "rail": ["telemetry=telemetry.jsonl", "usage=usage.jsonl", "maintenance=maintenance.jsonl", "energy=energy.jsonl", "weather=weather.jsonl"],
    "shop": ["views=views.jsonl", "stars=stars.jsonl"],
    "events": ["trips.csv"],
    "self": ["obs=obs.jsonl", "jobs=spark.log"],
}
SHARED = tempfile.mkdtemp(prefix="faults-")


def length(kind, fault):
    return timedelta(minutes=MINUTES.get(fault, MINUTES.get(kind, 15)))


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
    return done.stdout


def findings(obs, kind, fault, seed, days):
    """What was found in one log: (rule, time), and the beginnings of its faults."""
    folder = os.path.join(SHARED, f"{kind}-{fault}-{seed}")
    os.makedirs(folder)
    out = folder if kind != "events" else os.path.join(folder, "trips.csv")
    run(
        obs, "simulate", kind, "--seed", str(seed), "--for", f"{days * 24}h", "--start", START.isoformat().replace("+00:00", "Z"),
        "--fault", fault, "--fault-every", f"{int(EVERY.total_seconds() // 3600)}h", "--out", out, cwd=folder)
    run(obs, "process", "--pipeline", kind, "--data-dir", "data", *INPUTS[kind], cwd=folder)
    rules = os.path.join(folder, "rules.yml")
    with open(rules, "w", encoding="utf8") as file:
        file.write(open(f"{ROOT}/alerts/detections/{kind}.yml", encoding="utf8").read())
        text = open(f"{HERE}/series.yml", encoding="utf8").read()
        file.write("\n".join("- name" + entry for entry in text.split("- name")[1:] if f"pipeline: {kind}\n" in entry))
    since = START + timedelta(days=1)
    text = run(
        obs, "rules", "try", "rules.yml", "--since", since.isoformat().replace("+00:00", "Z"),
        "--until", (START + timedelta(days=days + 1)).isoformat().replace("+00:00", "Z"), "--limit", "100000", "-o", "jsonl",
        "--data-dir", "data", cwd=folder)
    shutil.rmtree(folder)
    found = []
    for line in text.splitlines():
        row = json.loads(line)
        found.append((row["rule"], datetime.fromisoformat(row["found_at"].replace("Z", "+00:00"))))
    begins = []
    time = START + EVERY / 4
    while time < START + timedelta(days=days):
        if time >= since and time + length(kind, fault) < START + timedelta(days=days):
            begins.append(time)
        time += EVERY
    return found, begins


def judge(kind, fault, runs, wanted):
    """Of rules or series: found faults, all faults, minutes until found, and what was found wrongly a day."""
    delays, faults, wrong, span = [], 0, 0, 0.0
    for found, begins, days in runs:
        mine = [time for rule, time in found if rule.endswith("Series") == wanted]
        for begin in begins:
            faults += 1
            end = begin + length(kind, fault) + timedelta(hours=2)
            hits = [time for time in mine if begin <= time <= end]
            if hits:
                delays.append((min(hits) - begin).total_seconds() / 60)
        all_begins = [START + EVERY / 4 + EVERY * number for number in range(int(days * 86400 / EVERY.total_seconds()) + 1)]
        wrong += sum(
            1 for time in mine if not any(begin <= time <= begin + length(kind, fault) + timedelta(hours=2) for begin in all_begins))
        span += days - 1
    return len(delays), faults, delays, wrong / span


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--obs", default=f"{ROOT}/.build/release/obs")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rules", action="store_true", help="say which rules found what, too")
    parser.add_argument("kinds", nargs="*", default=list(FAULTS))
    options = parser.parse_args()
    obs = os.path.abspath(options.obs)
    print("| simulated | fault | faults | rules find | after (median) | wrongly a day | series find | after (median) | wrongly a day |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    with ThreadPoolExecutor(options.jobs) as pool:
        for kind in options.kinds or FAULTS:
            for fault in FAULTS[kind]:
                work = [pool.submit(findings, obs, kind, fault, seed, options.days) for seed in range(1, options.seeds + 1)]
                runs = [(*one.result(), options.days) for one in work]
                cells = [kind, fault]
                for wanted in (False, True):
                    count, faults, delays, wrong = judge(kind, fault, runs, wanted)
                    if not wanted:
                        cells.append(str(faults))
                    late = f"{statistics.median(delays):.0f} min" if delays else "–"
                    cells += [str(count), late, f"{wrong:.2f}"]
                print("| " + " | ".join(cells) + " |", flush=True)
                if options.rules:
                    names = {}
                    for found, begins, _ in runs:
                        for rule, time in found:
                            inside = any(begin <= time <= begin + length(kind, fault) + timedelta(hours=2) for begin in begins)
                            names.setdefault(rule, [0, 0])[0 if inside else 1] += 1
                    print("   ", {rule: tuple(both) for rule, both in sorted(names.items())}, flush=True)
    shutil.rmtree(SHARED, ignore_errors=True)


main()
