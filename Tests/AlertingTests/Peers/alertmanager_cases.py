#!/usr/bin/env python3
"""Makes routing trees and configurations, and lets Alertmanager's amtool say where the trees lead and which configurations are good.

usage: alertmanager_cases.py SEED TREES FOLDER      writes FOLDER/routes.json and FOLDER/configs.json

The trees are random, with eight sets of labels each; the configurations are written below, each with what is good or bad about it as its name.
"""

import json, random, subprocess, sys, tempfile

seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
chance = random.Random(seed)
VALUES = {
    "team": ["db", "web", "sec", "rail"],
    "severity": ["critical", "warning", "info"],
    "service": ["ssh", "shop", "etl", "api-gw"],
    "env": ["prod", "stage"],
}


def amtool(*arguments, config):
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(config)
        file.flush()
        return subprocess.run(["amtool", *[file.name if word == "FILE" else word for word in arguments]], capture_output=True, text=True)


def matcher():
    name = chance.choice(list(VALUES))
    operator = chance.choice(["=", "=", "=", "!=", "=~", "!~"])
    if operator in ("=", "!="):
        value = chance.choice(VALUES[name] + [""] * (chance.random() < 0.2))
    else:
        value = chance.choice(["|".join(chance.sample(VALUES[name], 2)), VALUES[name][0][:2] + ".*", ".+", "", f"({VALUES[name][0]})?"])
    return f'{name}{operator}"{value}"'


def route(depth):
    """A route as lines of YAML."""
    lines = [f"receiver: r{chance.randint(0, 5)}"] if chance.random() < 0.85 else []
    matchers = [matcher() for _ in range(chance.choice([0, 1, 1, 1, 2]))]
    if matchers:
        lines += ["matchers:"] + [f"- {one}" for one in matchers]
    if chance.random() < 0.5:
        lines.append("continue: true")
    lines += children(depth)
    return lines or ["continue: false"]


def children(depth):
    number = chance.randint(0, 3) if depth else 0
    if not number:
        return []
    lines = ["routes:"]
    for _ in range(number):
        first, *others = route(depth - 1)
        lines += ["- " + first] + ["  " + line for line in others]
    return lines


def labels():
    return {name: chance.choice(values) for name, values in VALUES.items() if chance.random() < 0.7} or {"team": "db"}


def tree(index):
    lines = ["route:", "  receiver: default", "  group_by: [alertname]"] + ["  " + line for line in children(3)]
    config = "\n".join(lines + ["receivers:", "- name: default"] + [f"- name: r{number}" for number in range(6)]) + "\n"
    tests = []
    for _ in range(8):
        asked = labels()
        answer = amtool("config", "routes", "test", "--config.file", "FILE", *[f"{name}={value}" for name, value in asked.items()], config=config)
        if answer.returncode:
            sys.exit(answer.stderr)
        tests.append({"labels": asked, "receivers": answer.stdout.strip().split(",")})
    return {"name": f"tree {index} of seed {seed}", "config": config, "tests": tests}


ROUTE = "route: { receiver: a }\nreceivers: [{ name: a }]\n"
CONFIGS = {
    "the least": ROUTE,
    "no route": "receivers: [{ name: a }]\n",
    "no receiver on the top route": "route: { group_by: [x] }\nreceivers: [{ name: a }]\n",
    "a receiver that is not there": "route: { receiver: b }\nreceivers: [{ name: a }]\n",
    "a receiver that is not there, in a route below": "route: { receiver: a, routes: [{ receiver: b }] }\nreceivers: [{ name: a }]\n",
    "two receivers of one name": "route: { receiver: a }\nreceivers: [{ name: a }, { name: a }]\n",
    "a receiver without a name": "route: { receiver: a }\nreceivers: [{ name: a }, {}]\n",
    "matchers on the top route": 'route: { receiver: a, matchers: [x="1"] }\nreceivers: [{ name: a }]\n',
    "continue on the top route": "route: { receiver: a, continue: true }\nreceivers: [{ name: a }]\n",
    "an unknown key in a route": "route: { receiver: a, colour: red }\nreceivers: [{ name: a }]\n",
    "an unknown key at the top": ROUTE + "colour: red\n",
    "grouping by all labels": "route: { receiver: a, group_by: ['...'] }\nreceivers: [{ name: a }]\n",
    "grouping by all labels and one more": "route: { receiver: a, group_by: ['...', x] }\nreceivers: [{ name: a }]\n",
    "grouping twice by one label": "route: { receiver: a, group_by: [x, x] }\nreceivers: [{ name: a }]\n",
    "a group_interval of nothing": "route: { receiver: a, group_interval: 0s }\nreceivers: [{ name: a }]\n",
    "a repeat_interval of nothing": "route: { receiver: a, repeat_interval: 0s }\nreceivers: [{ name: a }]\n",
    "a group_wait of nothing": "route: { receiver: a, group_wait: 0s }\nreceivers: [{ name: a }]\n",
    "a duration of several units": "route: { receiver: a, group_wait: 1m30s }\nreceivers: [{ name: a }]\n",
    "a duration with units in the wrong order": "route: { receiver: a, group_wait: 30s1m }\nreceivers: [{ name: a }]\n",
    "a duration without a unit": "route: { receiver: a, group_wait: 30 }\nreceivers: [{ name: a }]\n",
    "a matcher without an operator": "route: { receiver: a, routes: [{ receiver: a, matchers: [x] }] }\nreceivers: [{ name: a }]\n",
    "a matcher whose regular expression is broken": "route: { receiver: a, routes: [{ receiver: a, matchers: ['x=~\"(\"'] }] }\nreceivers: [{ name: a }]\n",
    "several matchers in braces": "route: { receiver: a, routes: [{ receiver: a, matchers: ['{x=\"1\",y!=\"2\"}'] }] }\nreceivers: [{ name: a }]\n",
    "match and match_re of old": "route: { receiver: a, routes: [{ receiver: a, match: { x: '1' }, match_re: { y: 'a|b' } }] }\nreceivers: [{ name: a }]\n",
    "an inhibition": ROUTE + "inhibit_rules: [{ source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], equal: [team] }]\n",
    "an inhibition of old": ROUTE + "inhibit_rules: [{ source_match: { severity: critical }, target_match_re: { severity: 'warning|info' } }]\n",
    "an inhibition with an unknown key": ROUTE + "inhibit_rules: [{ source_matchers: ['a=\"1\"'], targets: [] }]\n",
    "a time interval": "route: { receiver: a, routes: [{ receiver: a, mute_time_intervals: [night] }] }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: night, time_intervals: [{ times: [{ start_time: '22:00', end_time: '24:00' }], weekdays: ['monday:friday'], days_of_month: ['1:-1'], months: ['january:march'], years: ['2026:2027'] }] }]\n",
    "a time interval that is not there": "route: { receiver: a, routes: [{ receiver: a, mute_time_intervals: [night] }] }\nreceivers: [{ name: a }]\n",
    "a time interval on the top route": "route: { receiver: a, mute_time_intervals: [night] }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: night, time_intervals: [{ weekdays: [sunday] }] }]\n",
    "two time intervals of one name": ROUTE + "time_intervals: [{ name: n, time_intervals: [] }, { name: n, time_intervals: [] }]\n",
    "a time that ends before it starts": ROUTE + "time_intervals: [{ name: n, time_intervals: [{ times: [{ start_time: '10:00', end_time: '09:00' }] }] }]\n",
    "a time without its end": ROUTE + "time_intervals: [{ name: n, time_intervals: [{ times: [{ start_time: '10:00' }] }] }]\n",
    "weekdays in the wrong order": ROUTE + "time_intervals: [{ name: n, time_intervals: [{ weekdays: ['friday:monday'] }] }]\n",
    "a day of the month that is not": ROUTE + "time_intervals: [{ name: n, time_intervals: [{ days_of_month: ['32'] }] }]\n",
    "a month that is not": ROUTE + "time_intervals: [{ name: n, time_intervals: [{ months: ['smarch'] }] }]\n",
    "a time zone that is not": ROUTE + "time_intervals: [{ name: n, time_intervals: [{ location: 'Atlantis/Center' }] }]\n",
    "a webhook": "route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: 'http://127.0.0.1:5001/x', max_alerts: 10, send_resolved: false }] }]\n",
    "a webhook without a url": "route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ max_alerts: 10 }] }]\n",
    "a webhook with a url of another scheme": "route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: 'ftp://127.0.0.1/x' }] }]\n",
    "a webhook with two kinds of credentials": "route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: 'http://127.0.0.1/x', http_config: { basic_auth: { username: u, password: p }, bearer_token: t } }] }]\n",
    "an email without a smarthost": "route: { receiver: a }\nreceivers: [{ name: a, email_configs: [{ to: 'x@example.org' }] }]\n",
    "an email": "global: { smtp_smarthost: 'mail.example.org:587', smtp_from: 'obs@example.org' }\nroute: { receiver: a }\nreceivers: [{ name: a, email_configs: [{ to: 'x@example.org', headers: { Subject: s } }] }]\n",
    "an email with one header twice": "global: { smtp_smarthost: 'mail.example.org:587', smtp_from: 'obs@example.org' }\nroute: { receiver: a }\nreceivers: [{ name: a, email_configs: [{ to: 'x@example.org', headers: { Subject: s, subject: t } }] }]\n",
    "a smarthost without a port": "global: { smtp_smarthost: 'mail.example.org', smtp_from: 'obs@example.org' }\n" + ROUTE,
    "slack without a url": "route: { receiver: a }\nreceivers: [{ name: a, slack_configs: [{ channel: '#x' }] }]\n",
    "slack with the url of all": "global: { slack_api_url: 'https://hooks.example.org/x' }\nroute: { receiver: a }\nreceivers: [{ name: a, slack_configs: [{ channel: '#x' }] }]\n",
    "pagerduty with two keys": "route: { receiver: a }\nreceivers: [{ name: a, pagerduty_configs: [{ routing_key: k, routing_key_file: /k }] }]\n",
    "pagerduty without a key": "route: { receiver: a }\nreceivers: [{ name: a, pagerduty_configs: [{ severity: x }] }]\n",
    "opsgenie with a priority": "global: { opsgenie_api_key: k }\nroute: { receiver: a }\nreceivers: [{ name: a, opsgenie_configs: [{ priority: P1, responders: [{ name: n, type: team }] }] }]\n",
    "opsgenie with a responder of another type": "global: { opsgenie_api_key: k }\nroute: { receiver: a }\nreceivers: [{ name: a, opsgenie_configs: [{ responders: [{ name: n, type: boss }] }] }]\n",
    "pushover without a token": "route: { receiver: a }\nreceivers: [{ name: a, pushover_configs: [{ user_key: u }] }]\n",
    "telegram with a parse mode that is not": "route: { receiver: a }\nreceivers: [{ name: a, telegram_configs: [{ bot_token: t, chat_id: 1, parse_mode: HTML5 }] }]\n",
    "not YAML": "route: [\n",
    "a list instead of a route": "route: [a]\nreceivers: [{ name: a }]\n",
}


def case(name, config):
    return {"name": name, "valid": amtool("check-config", "FILE", config=config).returncode == 0, "config": config}


def write(name, value):
    with open(f"{folder}/{name}", "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


write("routes.json", [tree(index) for index in range(count)])
write("configs.json", [case(*one) for one in CONFIGS.items()])
