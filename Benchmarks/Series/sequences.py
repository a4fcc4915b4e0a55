#!/usr/bin/env python3
"""What `kind: sequence` finds of odd tasks in logs of Spark and Hadoop: the table of docs/detection.md.

    Benchmarks/Series/sequences.py [--obs .build/release/obs] [--seeds 10] [--tasks 4000]

For each seed and layout a log of ordinary tasks is made up, among which on the second day each 25th is odd in one of
three ways: it has a message that none had before, it repeats one of its messages thirty times, or its last message is missing.
Each way has its own log. `obs process` makes tables of it and `obs rules try` shows them to the detector. Findings of one batch
that begin with an odd task count as found, those that begin with another as wrong.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAYS = 3
ODD = ["new message", "repeated message", "missing message"]

PIPELINE = """name: jobs
inputs:
  - name: jobs
    format: log4j
    steps:
      - templates: { column: message, as: template_id, text: template, table: job_templates }
"""

RULE = """- name: TaskUnusual
  kind: sequence
  pipeline: jobs
  event: template_id
  text: template
  session: message
  keys: ["TID ", attempt_]
  severity: info
  title: "{session}"
  description: "{reason}."
"""


def spark(number, rng):
    """The messages of a task of Spark's executor."""
    stage, partition = number // 40, number % 40
    lines = [
        f"executor.CoarseGrainedExecutorBackend: Got assigned task (TID {number})",
        f"executor.Executor: Running task {partition}.0 in stage {stage}.0 (TID {number})",
    ]
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(["Found block rdd_2_%d locally", "Block rdd_7_%d stored as values in memory"])
        lines.append(f"storage.BlockManager: {kind % rng.randint(0, 90)} for (TID {number})")
    if rng.random() < 0.3:
        lines.append(f"memory.TaskMemoryManager: Memory used in task {rng.randint(1, 900)} KB (TID {number})")
    lines.append(
        f"executor.Executor: Finished task {partition}.0 in stage {stage}.0 (TID {number}). {rng.randint(900, 9000)} bytes result sent to driver")
    return lines


def hadoop(number, rng):
    """The messages of an attempt as the application master of Hadoop writes them."""
    attempt = f"attempt_1445144423722_0020_m_{number:06d}_0"
    lines = [
        f"TaskAttemptImpl: {attempt} TaskAttempt Transitioned from NEW to UNASSIGNED",
        f"RMContainerAllocator: Assigned container container_1445144423722_0020_01_{number:06d} to {attempt}",
        f"TaskAttemptImpl: {attempt} TaskAttempt Transitioned from UNASSIGNED to ASSIGNED",
        f"TaskAttemptImpl: {attempt} TaskAttempt Transitioned from ASSIGNED to RUNNING",
    ]
    for _ in range(rng.randint(2, 6)):
        lines.append(f"TaskAttemptListenerImpl: Progress of TaskAttempt {attempt} is : {rng.random():.4f}")
    lines += [
        f"TaskAttemptListenerImpl: Done acknowledgement from {attempt}",
        f"TaskAttemptImpl: {attempt} TaskAttempt Transitioned from RUNNING to SUCCEEDED",
    ]
    return lines


UNSEEN = {
    "spark": "executor.Executor: Lost heartbeat of driver, task {} is given up (TID {})",
    "hadoop": "TaskAttemptListenerImpl: Disk checker found no space left for {} of attempt_1445144423722_0020_m_{:06d}_0",
}


def write(path, layout, odd, seed, tasks):
    """Writes the log; returns the seconds at which the odd tasks begin: no two tasks begin in the same."""
    rng, odd_begins, lines = random.Random(f"{layout} {odd} {seed}"), set(), []
    every = DAYS * 86400 / tasks
    for number in range(tasks):
        messages = (spark if layout == "spark" else hadoop)(number, rng)
        begin = START + timedelta(seconds=number * every)
        if 1.1 * 86400 < number * every < 2 * 86400 and number % 25 == 10:
            odd_begins.add(int(begin.timestamp()))
            if odd == ODD[0]:
                messages.insert(3, UNSEEN[layout].format(rng.randint(1, 9), number))
            elif odd == ODD[1]:
                messages[3:3] = [messages[2]] * 30
            else:
                messages.pop()
        for place, message in enumerate(messages):
            lines.append((begin + timedelta(seconds=place * rng.uniform(0.2, 3)), place, message))
    with open(path, "w", encoding="utf8") as file:
        for time, _, message in sorted(lines):
            logger, text = message.split(": ", 1)
            if layout == "spark":
                file.write(f"{time:%y/%m/%d %H:%M:%S} INFO {logger}: {text}\n")
            else:
                file.write(f"{time:%Y-%m-%d %H:%M:%S},{time.microsecond // 1000:03d} INFO [main] org.apache.hadoop.{logger}: {text}\n")
    return odd_begins


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
    return done.stdout


def trial(obs, layout, odd, seed, tasks):
    folder = tempfile.mkdtemp(prefix="sequences-")
    begins = write(f"{folder}/jobs.log", layout, odd, seed, tasks)
    open(f"{folder}/jobs.yaml", "w", encoding="utf8").write(PIPELINE)
    open(f"{folder}/rules.yml", "w", encoding="utf8").write(RULE)
    open(f"{folder}/obs.yaml", "w", encoding="utf8").write("pipelines: [jobs.yaml]\ndata_dir: data\n")
    run(obs, "process", "--config", "obs.yaml", "--pipeline", "jobs", "jobs.log", cwd=folder)
    text = run(
        obs, "rules", "try", "rules.yml", "--config", "obs.yaml", "--since", f"{START:%Y-%m-%dT%H:%M:%SZ}", "--until",
        f"{START + timedelta(days=DAYS + 1):%Y-%m-%dT%H:%M:%SZ}", "--limit", "100000", "-o", "jsonl", cwd=folder)
    shutil.rmtree(folder)
    found = wrong = 0
    for row in map(json.loads, text.splitlines()):
        begin = datetime.fromisoformat(row["starts_at"].replace("Z", "+00:00"))
        if int(begin.timestamp()) in begins:
            found += row["count"]
        else:
            wrong += row["count"]
    return len(begins), min(found, len(begins)), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--obs", default=f"{ROOT}/.build/release/obs")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tasks", type=int, default=4000)
    options = parser.parse_args()
    obs = os.path.abspath(options.obs)
    print("| layout | odd tasks have | tasks | odd | found | wrongly found |")
    print("|---|---|---:|---:|---:|---:|")
    for layout in ("spark", "hadoop"):
        for odd in ODD:
            totals = [trial(obs, layout, odd, seed, options.tasks) for seed in range(1, options.seeds + 1)]
            count, found, wrong = (sum(column) for column in zip(*totals))
            print(f"| {layout} | a {odd} | {options.tasks * options.seeds:,} | {count} | {found} | {wrong} |", flush=True)


main()
