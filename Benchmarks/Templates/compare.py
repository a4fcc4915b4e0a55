#!/usr/bin/env python3
"""obs parse --templates beside drain3 on the same messages: how well they are grouped, and how many lines a second of processor time.

    python3 Benchmarks/Templates/compare.py OBS FOLDER [--lines N]

OBS is the program, FOLDER has *_2k.log_structured.csv of LogHub (columns Content, EventId, EventTemplate; github.com/logpai/loghub). drain3 is asked where this Python
has it, as it comes, without masks of one's own. Each log is read from nothing.

GA    share of messages whose group has exactly the messages with the same label
FGA   F1 of groups
FTA   F1 of groups that also read as the label's template (a word with <*> in it counts as <*>, runs of them as one)
The measures of Khan et al. (ICSE 2022) and Jiang et al. (ISSTA 2024).

For the speed all logs are read again and again, as one, up to N lines; the time is that of the processor, less that of a run on one line for obs (the start of the process).
"""

import argparse
import csv
import glob
import os
import re
import resource
import subprocess
import sys
import time
from collections import defaultdict


def normal(template):
    return re.sub(r"\s+", " ", re.sub(r"(<\*>[\s,:]*)+", "<*> ", re.sub(r"\S*<\*>\S*", "<*>", template))).strip()


def figures(found, labels):
    groups, truth = defaultdict(list), defaultdict(list)
    for index, (template, (label, _)) in enumerate(zip(found, labels)):
        groups[template].append(index)
        truth[label].append(index)
    right = [(template, rows) for template, rows in groups.items() if truth[labels[rows[0]][0]] == rows]
    same = sum(normal(template) == normal(labels[rows[0]][1]) for template, rows in right)
    score = lambda count: 2 * count / (len(groups) + len(truth))
    return sum(len(rows) for _, rows in right) / len(labels), score(len(right)), score(same)


def obs_templates(obs, messages):
    answer = subprocess.run([obs, "parse", "--templates"], input="\n".join(messages) + "\n", capture_output=True, text=True, check=True)
    return answer.stdout.split("\n")[:-1]


def drain_templates(messages):
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    miner = TemplateMiner(config=TemplateMinerConfig())
    began = time.process_time()
    ids = [miner.add_log_message(message)["cluster_id"] for message in messages]
    seconds = time.process_time() - began
    texts = {cluster.cluster_id: cluster.get_template() for cluster in miner.drain.clusters}
    return [texts[number] for number in ids], seconds


def obs_seconds(obs, messages):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([obs, "parse", "--templates"], input=("\n".join(messages) + "\n").encode(), stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("obs")
    parser.add_argument("folder")
    parser.add_argument("--lines", type=int, default=1_000_000)
    asked = parser.parse_args()
    try:
        import drain3  # noqa: F401

        tools = ["obs", "drain3"]
    except ImportError:
        tools = ["obs"]
    totals, everything = defaultdict(list), []
    print(f"{'log':<14}" + "".join(f"{tool:>8} GA   FGA   FTA" for tool in tools))
    for path in sorted(glob.glob(os.path.join(asked.folder, "*_structured.csv"))):
        with open(path, newline="", encoding="utf8") as file:
            rows = list(csv.DictReader(file))
        messages = [row["Content"] for row in rows]
        everything += messages
        line = f"{os.path.basename(path).split('_')[0]:<14}"
        for tool in tools:
            found = obs_templates(asked.obs, messages) if tool == "obs" else drain_templates(messages)[0]
            scores = figures(found, [(row["EventId"], row["EventTemplate"]) for row in rows])
            totals[tool].append(scores)
            line += "     " + " ".join(f"{score:.3f}" for score in scores)
        print(line)
    if not everything:
        sys.exit(f"{asked.folder}: there is no *_structured.csv")
    print(f"{'mean':<14}" + "".join("     " + " ".join(f"{sum(s) / len(s):.3f}" for s in zip(*totals[tool])) for tool in tools))
    messages = (everything * (asked.lines // len(everything) + 1))[: asked.lines]
    start = obs_seconds(asked.obs, messages[:1])
    seconds = min(obs_seconds(asked.obs, messages) for _ in range(3)) - start
    print(f"obs     {asked.lines / seconds:12,.0f} lines/s, with reading, and writing the template of each")
    if "drain3" in tools:
        few = messages[: asked.lines // 10]
        print(f"drain3  {len(few) / drain_templates(few)[1]:12,.0f} lines/s, in memory")


if __name__ == "__main__":
    main()
