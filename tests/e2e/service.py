"""The agent as a service: what systemd is told, how it ends, reloads, and starts in a storm."""

import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import unittest

from lab import Stage, free_port, must, run_command, sql, unmarked, wait_until

WATCHDOG_US = "1000000"  # fed every 0.5 s
# Patience of waits, not a claim: what never comes takes for ever.
PATIENCE_S = 30
# The agent gives itself 5 s; without the bound it would be a minute, or for ever.
STOPS_WITHIN_S = 25


class Systemd:
    """The other end of NOTIFY_SOCKET: every datagram with its time."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.heard = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            text = self.socket.recv(65536).decode()
            self.heard.append((time.monotonic(), text))

    def all(self, start, since=0.0):
        return [(at, text) for at, text in list(self.heard) if text.startswith(start) and at >= since]

    def environment(self):
        return {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": WATCHDOG_US}


class Silent:
    """Accepts connections and never answers."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(16)
        self.connections = []
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.connections.append(self.socket.accept()[0])
            except OSError:
                return

    def close(self):
        self.socket.close()
        for connection in self.connections:
            connection.close()


def reload(agent, systemd=None):
    """With systemd: until it is over."""
    before = len(systemd.all("READY=1")) if systemd else 0
    os.kill(agent.pid, signal.SIGHUP)
    if systemd:
        wait_until(lambda: len(systemd.all("READY=1")) > before, PATIENCE_S, "the reload is over")


class ServiceCase(unittest.TestCase):
    def agent_of(self, stage, *journals, central=None, name="agent", **settings):
        """Everything but its name comes from agent.toml."""
        agent = stage.add_agent(list(journals), name)
        agent.config = stage.path(f"{name}.toml")
        agent.command = [agent.command[0], "run", "--config", agent.config]
        self.configure(stage, agent, journals, central=central, **settings)
        return agent

    def configure(self, stage, agent, journals, central=None, memory=None, **settings):
        """memory: where the status file is, a directory on a tmpfs."""
        values = {
            "journal": list(journals),
            "central": central or stage.central.url,
            "name": "agent",
            "status_file": os.path.join(memory or stage.directory, "agent.status"),
            "first_retry_spread_s": 0,
            "retry_cap_ms": 2000,
            **settings,
        }
        with open(agent.config, "w", encoding="utf-8") as file:
            for key, value in values.items():
                file.write(f"{key} = {json.dumps(value)}\n")

    def status(self, stage, memory=None):
        try:
            with open(os.path.join(memory or stage.directory, "agent.status"), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, json.JSONDecodeError):  # not there yet, or half-written
            return {"journals": [], "refused_settings": ""}

    def states(self, stage):
        return [journal["state"] for journal in self.status(stage)["journals"]]

    def pour(self, stage, journal, count=5):
        stage.add_tap(journal, count=count, rate=200).run()
        stage.finish_taps()

    def settled(self, stage):
        wait_until(lambda: stage.settled() == stage.oracle.written, PATIENCE_S, "every pour is settled")

    def exactly_once(self, stage):
        verdict = stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))


class Watchdog(ServiceCase):
    def test_it_is_fed_while_all_move_and_not_when_one_journals_loop_hangs(self):
        with Stage(taps=1) as stage:
            journals = [stage.new_journal(), stage.new_journal()]
            systemd = Systemd(stage.directory)
            agent = self.agent_of(stage, *journals)
            # Turns 1 and 2 are the first ones of both; the next turn of either hangs: of the one that
            # gets pours, unless it is the other one's time for a heartbeat.
            agent.start(TAPLINE_TEST_HANG_AT="turn:3", **systemd.environment())
            wait_until(lambda: len(systemd.all("WATCHDOG=1")) >= 3, PATIENCE_S, "the watchdog is fed")
            self.assertEqual(len(systemd.all("READY=1")), 1)
            self.pour(stage, journals[0])
            stuck = wait_until(
                lambda: [m for m in systemd.all("STATUS=") if "stuck: " in m[1]], 2 * PATIENCE_S, "a loop is stuck"
            )
            named = [journal for journal in journals if journal in stuck[0][1]]
            self.assertEqual(len(named), 1, stuck[0][1])
            self.assertIn('"turn"', stuck[0][1])
            lives = journals[1 - journals.index(named[0])]
            time.sleep(2)
            self.assertEqual(systemd.all("WATCHDOG=1", since=stuck[0][0]), [], "fed although a loop hangs")
            # Both threads live: the other journal's pours arrive, and STATUS goes on.
            self.pour(stage, lives)
            theirs = 10 if lives == journals[0] else 5
            wait_until(lambda: stage.settled() == theirs, PATIENCE_S, "the other journal is served")
            self.assertEqual(systemd.all("WATCHDOG=1", since=stuck[0][0]), [])
            self.assertEqual(agent.stop(STOPS_WITHIN_S), 0)
            agent.start()
            self.settled(stage)
            self.exactly_once(stage)


class Stopping(ServiceCase):
    def test_central_that_accepts_and_never_answers_holds_nobody_up(self):
        with Stage(taps=1) as stage:
            silent = Silent()
            self.addCleanup(silent.close)
            journal = stage.new_journal()
            systemd = Systemd(stage.directory)
            agent = self.agent_of(stage, journal, central=silent.url)
            agent.start(**systemd.environment())
            self.pour(stage, journal)
            wait_until(lambda: silent.connections, PATIENCE_S, "the agent asks")
            self.assertEqual(agent.stop(STOPS_WITHIN_S), 0)
            self.assertEqual(len(systemd.all("STOPPING=1")), 1)
            self.configure(stage, agent, [journal])
            agent.start()
            self.settled(stage)
            self.exactly_once(stage)

    def test_a_disk_that_takes_a_minute_a_write_holds_nobody_up(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            agent = self.agent_of(stage, journal)
            agent.start(TAPLINE_TEST_SLOW_AT="mark:60000")
            self.pour(stage, journal)
            wait_until(lambda: stage.settled() == 5, PATIENCE_S, "central has the pours")
            self.assertEqual(agent.stop(STOPS_WITHIN_S), 0)
            self.assertEqual(unmarked(journal), 5, "the acks weren't written: the next life asks central")
            agent.start()
            wait_until(lambda: unmarked(journal) == 0, PATIENCE_S, "the journal is told what became of the pours")
            self.exactly_once(stage)


class Reloading(ServiceCase):
    def test_journals_come_and_go_and_nothing_is_lost(self):
        with Stage(taps=1) as stage:
            first, second = stage.new_journal(), stage.new_journal()
            systemd = Systemd(stage.directory)
            agent = self.agent_of(stage, first)
            agent.start(**systemd.environment())
            writers = [stage.add_tap(journal, count=200, rate=60).start() for journal in (first, second)]
            wait_until(lambda: (stage.settled() or 0) > 10, PATIENCE_S, "the first journal is served")
            self.configure(stage, agent, [first, second])
            reload(agent, systemd)
            wait_until(lambda: len(self.status(stage)["journals"]) == 2, PATIENCE_S, "both are served")
            self.configure(stage, agent, [second])
            reload(agent, systemd)
            wait_until(lambda: [j["file"] for j in self.status(stage)["journals"]] == [second], PATIENCE_S, "one is left")
            # Its lock is free: another program of ours may write.
            must("tapline-agent", ["journal", "upgrade", first])
            for writer in writers:
                self.assertEqual(writer.wait(PATIENCE_S), 0)
            self.pour(stage, first)
            self.assertGreater(unmarked(first), 0, "nobody serves it")
            self.configure(stage, agent, [second, first])
            reload(agent, systemd)
            self.settled(stage)
            self.exactly_once(stage)
            reloads = systemd.all("RELOADING=1")
            self.assertEqual(len(reloads), 3)
            self.assertTrue(all("MONOTONIC_USEC=" in text for _, text in reloads))
            self.assertEqual(agent.stop(), 0)

    def test_another_central_tap_gate_and_log_level_count_at_once(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            away = f"http://127.0.0.1:{free_port()}"
            agent = self.agent_of(stage, journal, central=away, tap_gate="ack", log_level="error")
            agent.start()
            self.pour(stage, journal)
            wait_until(lambda: self.states(stage) == ["away"], PATIENCE_S, "central is away")
            self.assertEqual(sql(journal, "SELECT DISTINCT status FROM pours"), [("new",)])
            self.assertNotIn("serving", agent.log_text())
            self.configure(stage, agent, [journal], central=away, tap_gate="custody", log_level="info")
            reload(agent)
            wait_until(lambda: sql(journal, "SELECT DISTINCT status FROM pours") == [("held",)], PATIENCE_S, "held by custody")
            self.assertIn("reload: 1 journals", agent.log_text())
            self.configure(stage, agent, [journal])
            reload(agent)
            self.settled(stage)
            wait_until(lambda: unmarked(journal) == 0, PATIENCE_S, "all is confirmed")
            self.assertEqual(self.status(stage)["central"], stage.central.url)
            self.exactly_once(stage)

    def test_settings_that_are_no_good_leave_the_old_ones_in_use_and_say_so(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            systemd = Systemd(stage.directory)
            agent = self.agent_of(stage, journal)
            agent.start(**systemd.environment())
            self.pour(stage, journal)
            self.settled(stage)
            for broken in ('tap_gate = "open"', "journal = []", 'central = "https://127.0.0.1:1"\nstate_dir = "/nowhere"'):
                with open(agent.config, "w", encoding="utf-8") as file:
                    file.write(f'status_file = "{stage.path("agent.status")}"\n{broken}\n')
                    if "journal" not in broken:
                        file.write(f'journal = "{journal}"\n')
                    if "central" not in broken:
                        file.write(f'central = "{stage.central.url}"\n')
                reload(agent, systemd)
                wait_until(lambda: self.status(stage)["refused_settings"], PATIENCE_S, "the refusal is told")
                self.assertTrue(any("new settings refused" in text for _, text in systemd.all("STATUS=")))
                self.assertIn("old settings stay in use", agent.log_text())
                self.pour(stage, journal)
                self.settled(stage)
            done = run_command("tapline-agent", ["status", "--status-file", stage.path("agent.status"), "--json"])
            self.assertEqual(done.returncode, 5, done.stdout)
            self.assertEqual(json.loads(done.stdout)["refused_settings"][0]["name"], "agent")
            self.configure(stage, agent, [journal])
            reload(agent)
            wait_until(lambda: self.status(stage)["refused_settings"] == "", PATIENCE_S, "good ones are taken")
            self.exactly_once(stage)


class Storms(ServiceCase):
    def test_an_agent_that_dies_again_and_again_waits_before_it_asks_central(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            memory = tempfile.mkdtemp(prefix="tapline-", dir="/dev/shm")
            self.addCleanup(shutil.rmtree, memory)
            patient = {"retry_base_ms": 30000, "retry_cap_ms": 600000}  # the sixth life waits a minute at least
            agent = self.agent_of(stage, journal, memory=memory, **patient)
            for life in range(1, 6):
                agent.start()
                wait_until(lambda: os.path.exists(os.path.join(memory, "starts-agent")), PATIENCE_S, "the start is noted")
                wait_until(lambda: agent.log_text().count("journal ") >= life, PATIENCE_S, "the journal is open")
                agent.sigkill()
            self.assertEqual(agent.log_text().count("times in a row"), 1, "four starts are nobody's concern")
            self.pour(stage, journal)
            agent.start()
            wait_until(lambda: agent.log_text().count("times in a row") == 2, PATIENCE_S, "it says so")
            state = wait_until(lambda: [j for j in self.status(stage, memory)["journals"] if j["next_try_utc_ms"]], PATIENCE_S, "it waits")
            self.assertEqual(state[0]["state"], "starting")
            # The tap isn't closed meanwhile: the agent has custody.
            wait_until(lambda: sql(journal, "SELECT DISTINCT status FROM pours") == [("held",)], PATIENCE_S, "held")
            self.assertEqual(stage.settled(), 0, "central was asked")
            # An orderly stop ends the storm.
            self.assertEqual(agent.stop(), 0)
            self.configure(stage, agent, [journal], memory=memory)
            agent.start()
            self.settled(stage)
            self.assertEqual(agent.log_text().count("times in a row"), 2)
            self.exactly_once(stage)

    def test_what_only_a_person_can_mend_has_exit_codes_of_its_own_and_touches_nothing(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            before = os.stat(journal).st_mtime_ns
            agent = self.agent_of(stage, journal, tap_gate="open")
            agent.start()
            self.assertEqual(agent.wait(PATIENCE_S), 2)
            self.configure(stage, agent, [journal], central="https://127.0.0.1:1", state_dir=stage.path("none"))
            agent.start()
            self.assertEqual(agent.wait(PATIENCE_S), 3)
            self.assertEqual(os.stat(journal).st_mtime_ns, before)
            self.assertFalse(os.path.exists(stage.path("none")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
