#!/usr/bin/python3
"""Plants one fault, by its name, for somebody else to find.

    plant_faults.py --list
    plant_faults.py tree KIND --root DIR                a healthy machine: bare, container or emulated
    plant_faults.py plant NAME --root DIR --journal FILE [--config FILE] [--state DIR]
    plant_faults.py serve                               lines of JSON: {"plant": NAME, "root": …}, or {} to end it

Prints one line of JSON. A fault that needs a living process keeps it until stdin, or its turn, ends."""

import argparse
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from planting import FAULTS, journals, machine  # noqa: E402,F401  (they register their faults)
from planting.trees import TREES  # noqa: E402


class Plan:
    def __init__(self, root, journal, config, state):
        self.root, self.journal, self.config, self.state = root, journal, config, state
        self.said = {}
        self.kept = []
        self.mounts = []

    def say(self, **facts):
        self.said.update(facts)

    def keep(self, living):
        self.kept.append(living)

    def keep_mount(self, place):
        self.mounts.append(place)

    def end(self):
        for living in self.kept:
            if isinstance(living, subprocess.Popen):
                living.kill()
                living.wait()
            else:
                living.close()
        for place in self.mounts:
            subprocess.run(["umount", place], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("what", nargs="?", choices=("tree", "plant", "serve"))
    parser.add_argument("name", nargs="?")
    for option in ("root", "journal", "config", "state"):
        parser.add_argument(f"--{option}")
    given = parser.parse_args()
    if given.list:
        print("\n".join(FAULTS))
        return 0
    if given.what == "tree":
        shutil.rmtree(given.root, ignore_errors=True)
        os.makedirs(given.root)
        TREES[given.name](given.root)
        print("{}")
        return 0
    if given.what == "serve":
        return serve()
    plan = Plan(given.root, given.journal, given.config, given.state)
    try:
        plant(plan, given.name)
        if plan.kept or plan.mounts:
            sys.stdin.read()
    finally:
        plan.end()
    return 0


def plant(plan, name):
    FAULTS[name](plan)
    print(json.dumps(plan.said), flush=True)


def serve():
    plan = None
    try:
        for line in sys.stdin:
            wanted = json.loads(line)
            if plan is not None:
                plan.end()
            plan = None
            if wanted:
                plan = Plan(wanted["root"], wanted["journal"], wanted["config"], wanted["state"])
                plant(plan, wanted["plant"])
            else:
                print("{}", flush=True)
    finally:
        if plan is not None:
            plan.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
