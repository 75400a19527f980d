"""A machine with an adopted journal, a service that isn't on yet, and the tap's program with its old loop (old_tap.py), a
process of its own that posts to a real endpoint."""

import json
import os
import signal
import subprocess
import sys
import unittest

from planting.journals import see
from planting.trees import TREES, write

from .journals import sql
from .old_endpoint import OldEndpoint
from .programs import ROOT, clean_environment, program, run_command
from .stage import Stage
from .waiting import wait_until

OLD_TAP = os.path.join(ROOT, "tests", "support", "lab", "old_tap.py")
MONEY = ("SELECT (SELECT count(*) FROM pours), (SELECT count(*) FROM tapline.receipt), (SELECT sum(balance) FROM guests), "
         "(SELECT sum(current_volume_ml) FROM kegs), (SELECT count(*) FROM transactions)")
SECRET = "Kanarienvogel9"
YEAR = "31536000"
UNIT_DIR = "etc/systemd/system/tapline-agent.service.d"
TESTS = "SELECT seq, status FROM pours WHERE card_uid = 'tapline-test' ORDER BY seq"
# What systemd would do: the agent is real, and started by nothing else.
SYSTEMCTL = """#!/bin/sh
state='{state}'
echo "$*" >>"$state/asked"
alive() {{ [ -e "$state/pid" ] && kill -0 "$(cat "$state/pid")" 2>/dev/null; }}
start() {{ setsid '{agent}' run --config '{config}' >>"$state/agent.log" 2>&1 </dev/null & echo $! >"$state/pid"; }}
case "$1" in
daemon-reload) ;;
enable) [ ! -e "$state/broken" ] || {{ echo 'Unit file tapline-agent.service does not exist.' >&2; exit 1; }}
    touch "$state/enabled"; alive || start ;;
restart) kill "$(cat "$state/pid")"; while alive; do sleep 0.1; done; start ;;
is-active) alive ;;
is-enabled) [ -e "$state/enabled" ] ;;
show) echo LoadState=loaded; echo ActiveState=active; echo SubState=running; echo UnitFileState=enabled ;;
*) exit 64 ;;
esac
"""


class HandoverCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = cls.enterClassContext(Stage(taps=2))
        cls.endpoint = OldEndpoint(cls.stage.cluster)
        cls.addClassCleanup(cls.endpoint.close)
        cls.number = 0

    def setUp(self):
        """A machine with an adopted journal in a home of its own."""
        type(self).number += 1
        self.home = self.stage.path(f"home {self.number} 'a' 100%")  # people have such names
        self.root = self.stage.path(f"root{self.number}")
        self.state = self.stage.path(f"state{self.number}")
        os.makedirs(self.home)
        os.makedirs(self.state)
        os.makedirs(self.root)
        TREES["bare"](self.root)
        self.journal = os.path.join(self.home, "local_journal.db")
        open(self.journal, "wb").close()
        self.stage.adopted(self.journal)
        self.addCleanup(self.stage.journals.remove, self.journal)
        self.config = os.path.join(self.state, "agent.toml")
        self.settings = (f"# by hand\ncentral = \"{self.stage.central.url}\"\nname = \"tap-{self.number}\"\n"
                         f"status_file = \"{self.state}/status\"\nfirst_retry_spread_s = 0\nretry_cap_ms = 4000\n")
        write("/", self.config, self.settings)
        write(self.root, "usr/bin/systemctl",
              SYSTEMCTL.format(state=self.state, agent=program("tapline-agent"), config=self.config), 0o755)
        self.addCleanup(self.end_agent)

    def end_agent(self):
        """By the pid that our systemctl wrote down."""
        if not os.path.exists(f"{self.state}/pid"):
            return
        with open(f"{self.state}/pid", encoding="utf-8") as file:
            pid = int(file.read())
        try:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 20, "the agent ends")
        except ProcessLookupError:
            pass

    def tap_program(self, *options, **environment):
        """The tap's program with its old loop; SERVER_URL is the old endpoint's unless another one is given."""
        server = self.endpoint.url.removesuffix("/api/sync/pours")
        process = subprocess.Popen(
            [sys.executable, OLD_TAP, *options, "local_journal.db"], cwd=self.home, stdout=subprocess.PIPE, text=True,
            env=clean_environment({"SERVER_URL": server, "INTERNAL_TOKEN": SECRET, "DEVICE_ENV_PATH": "/nowhere", **environment}))
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        while process.stdout.readline() != "ready\n":
            self.assertIsNone(process.poll(), "the tap's program ended")
        see(self.root, process.pid)
        return process

    def command(self, *options):
        return ["journal", "handover", self.journal, "--config", self.config, "--root", self.root, "--json", *options]

    def handover(self, *options, expect):
        done = run_command("tapline-agent", self.command(*options), timeout_s=120)
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual((said.get("code"), done.returncode), expect, json.dumps(said, indent=1))
        self.assertEqual(said["exit_code"], done.returncode)
        return {check["id"]: check for check in said["checks"]}, said

    def asked(self):
        if not os.path.exists(f"{self.state}/asked"):
            return []
        with open(f"{self.state}/asked", encoding="utf-8") as file:
            return file.read().splitlines()

    def text(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def nothing_switched_on(self):
        self.assertEqual(self.asked(), [])
        self.assertFalse(os.path.exists(os.path.join(self.root, UNIT_DIR)))
        self.assertEqual(self.text(self.config), self.settings)
        self.assertEqual(sql(self.journal, "SELECT count(*) FROM pours WHERE status = 'new'"), [(0,)])

    def money(self):
        return self.stage.cluster.rows(MONEY)
