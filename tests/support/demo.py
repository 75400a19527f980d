"""./demo: taps write, tapline carries, three processes are killed, and an independent sum must agree."""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time

import psycopg2

from lab import (
    Agent,
    Bar,
    Central,
    Finished,
    Oracle,
    TapSim,
    TimedOut,
    adopt,
    make_dead_end,
    make_gen5_in_place,
    set_old_statuses,
    sql,
    unmarked,
    wait_until,
    work_directory,
)
from lab.cluster import postmaster_pid

RATE_PER_TAP = 110  # pours a second: with the default of 3,000 pours the taps write for about 8 s
BAD_FRESH = ["null-id", "negative", "unknown-card", "text-volume", "nul", "huge-price"]
BAD_GEN5 = ["huge-volume", "invalid-utf8", "empty-id", "unknown-tap", "long-id"]
BAD_DEAD_END = ["null-volume", "real-volume", "bad-time", "unknown-card"]
# What an old sync had done with the first rows of a backlog: no operator, no charge.
OLD_STATUSES = ["confirmed", "confirmed", "failed", "rejected", "audit_only"]
SHAPES = ("fresh", "gen5 in place", "dead end")
QUIET_LIMIT_S = 45


class Demo:
    def __init__(self, options):
        self.options = options
        self.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
        self.directory = work_directory("tapline-demo-")
        self.started = time.monotonic()
        self.bar = Bar(self.seed, guests=8, taps=options.agents)
        self.oracle = Oracle(self.bar)
        self.central = None
        self.agents = []
        self.taps = []
        self.journals = []
        self.kills = []
        self.unmarked = None
        self.settled_before = 0
        self.to_write = 0

    def say(self, text):
        out = sys.stderr if self.options.json else sys.stdout
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", file=out, flush=True)

    def connect(self):
        with open(os.path.join(self.directory, "pg", "database_url"), encoding="utf-8") as url:
            connection = psycopg2.connect(url.read().strip(), connect_timeout=5)
        connection.autocommit = True
        return connection

    def settled(self):
        """Rows in PostgreSQL, or None while it is away."""
        try:
            connection = self.connect()
            with connection.cursor() as cursor:
                cursor.execute("SELECT (SELECT count(*) FROM pours) + (SELECT count(*) FROM tapline.quarantine)")
                found = cursor.fetchone()[0]
            connection.close()
            return found
        except psycopg2.Error:
            return None

    def start_servers(self):
        self.say(f"seed {self.seed}, files in {self.directory}")
        self.central = Central(self.directory, embedded=os.path.join(self.directory, "pg"))
        self.central.start()
        self.central.wait_ready(40)
        self.say(f"central answers on {self.central.url}, with a PostgreSQL of its own")
        connection = self.connect()
        self.bar.seed(connection)
        connection.close()

    def make_journals(self):
        """One fresh, the others as the field left them, each with a backlog; then adopted."""
        backlog = self.options.pours // 10
        for number in range(self.options.agents):
            shape = SHAPES[number] if number < 3 else SHAPES[number % 3]
            journal = os.path.join(self.directory, f"journal{number + 1}.db")
            self.journals.append(journal)
            common = {"tap": number + 1, "cards": list(self.bar.cards), "seed": self.seed * 64 + number}
            if shape == "fresh":
                open(journal, "wb").close()
            else:
                make = make_gen5_in_place if shape == "gen5 in place" else make_dead_end
                bad = BAD_GEN5 if shape == "gen5 in place" else BAD_DEAD_END
                tap = make(self.directory, journal, f"backlog{number + 1}", count=backlog, bad=bad, **common)
                statuses = set_old_statuses(journal, tap.lines(), OLD_STATUSES)
                self.oracle.add_lines(tap.lines(), statuses)
            done = adopt(journal)
            self.say(
                f"journal {number + 1} ({shape}): recognised as {done['recognised']},"
                f" {sum(done['rows'].values())} rows, now {done['head']}"
            )

    def start_taps(self):
        backlog = self.options.pours // 10 * sum(1 for n in range(self.options.agents) if SHAPES[n % 3] != "fresh")
        each = max(1, (self.options.pours - backlog) // self.options.agents)
        for number, journal in enumerate(self.journals):
            self.agents.append(
                Agent(self.directory, journal, self.central.url, name=f"controller-{number + 1}").start()
            )
            tap = TapSim(
                self.directory,
                journal,
                f"tap{number + 1}",
                tap=number + 1,
                cards=list(self.bar.cards),
                seed=self.seed * 64 + 32 + number,
                count=each,
                rate=RATE_PER_TAP,
                bad=BAD_FRESH if number % 3 == 0 else [],
            )
            self.taps.append(tap.start())
        self.to_write = each * self.options.agents
        self.say(f"{len(self.taps)} taps write {self.to_write} pours, {len(self.agents)} agents carry them")

    def printed(self):
        return sum(len(tap.lines()) for tap in self.taps)

    def wait_written(self, share):
        goal = int(self.to_write * share)
        wait_until(lambda: self.printed() >= goal, 60, f"the taps write {goal} pours", 0.02)

    def note_kill(self, what, pid):
        on_the_way = self.printed() + self.oracle.written - (self.settled_before or 0)
        self.kills.append({"killed": what, "pid": pid, "written": self.printed(), "not_yet_settled": on_the_way})
        self.say(f"SIGKILL {what} (pid {pid}) with {self.printed()} pours written, {on_the_way} not yet settled")

    def kill_central(self):
        self.wait_written(0.25)
        self.settled_before = self.settled()
        pid = self.central.pid
        self.central.sigkill()
        self.note_kill("central", pid)
        time.sleep(0.7)
        self.central.start()
        self.central.wait_ready(20)
        self.say("central is back")

    def kill_agent(self):
        self.wait_written(0.5)
        self.settled_before = self.settled()
        agent = self.agents[min(1, len(self.agents) - 1)]
        pid = agent.pid
        agent.sigkill()
        self.note_kill(agent.name, pid)
        time.sleep(0.3)
        agent.start()
        self.say(f"{agent.name} is back")

    def kill_postgresql(self):
        """Central starts its private server again; a central that ended instead is started as systemd would."""
        self.wait_written(0.75)
        self.settled_before = self.settled()
        pid = postmaster_pid(os.path.join(self.directory, "pg"))
        os.kill(pid, signal.SIGKILL)
        self.note_kill("PostgreSQL", pid)

        def back():
            if not self.central.running:
                self.say(f"central ended with {self.central.process.returncode}; started again")
                self.central.start()
            now = postmaster_pid(os.path.join(self.directory, "pg"))
            return now not in (None, pid) and self.central.ready()

        wait_until(back, 30, "PostgreSQL is back behind central")
        self.say("PostgreSQL is back")

    def wait_quiet(self):
        for tap in self.taps:
            code = tap.wait(60)
            if code != 0:
                raise RuntimeError(f"{tap.name} ended with {code}:\n{tap.log_tail()}")
            self.oracle.add_lines(tap.lines())
        self.say(f"the taps are done: {self.oracle.written} pours written in all; waiting for quiet")
        shown = [time.monotonic()]

        def quiet():
            settled = self.settled()
            self.unmarked = sum(unmarked(journal) for journal in self.journals)
            if time.monotonic() - shown[0] > 2:
                shown[0] = time.monotonic()
                self.say(f"settled or quarantined {settled} of {self.oracle.written}, unmarked {self.unmarked}")
            return settled == self.oracle.written and self.unmarked == 0

        try:
            wait_until(quiet, QUIET_LIMIT_S, "everything written is settled and marked", 0.1)
            time.sleep(0.5)
        except TimedOut as error:
            self.say(str(error))

    def verdict(self):
        connection = self.connect()
        result = self.oracle.compare(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(cursor) FROM tapline.cursor")
            cursors = int(cursor.fetchone()[0] or 0)
        connection.close()
        highest = sum(highest_seq(journal) for journal in self.journals)
        result["unmarked"] = self.unmarked
        result["cursor_behind"] = highest - cursors
        result["kills"] = self.kills
        result["agents"] = len(self.agents)
        result["seed"] = self.seed
        result["seconds"] = round(time.monotonic() - self.started, 1)
        good = result["ok"] and self.unmarked == 0 and result["cursor_behind"] == 0 and len(self.kills) == 3
        result["ok"] = bool(good)
        return result

    def run(self):
        self.start_servers()
        self.make_journals()
        self.start_taps()
        self.kill_central()
        self.kill_agent()
        self.kill_postgresql()
        self.wait_quiet()
        return self.verdict()

    def stop(self, failed):
        for program in [*self.taps, *self.agents, self.central]:
            if program is None:
                continue
            try:
                program.stop()
            except TimedOut as error:
                self.say(str(error))
            if failed:
                self.say(f"--- end of {program.log}\n{program.log_tail(12)}")
        pid = postmaster_pid(os.path.join(self.directory, "pg"))
        if pid is not None and not self.options.keep:
            os.kill(pid, signal.SIGQUIT)
            wait_until(lambda: postmaster_pid(os.path.join(self.directory, "pg")) is None, 15, "PostgreSQL ends")
        if self.options.keep:
            self.say(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


def highest_seq(journal):
    return sql(journal, "SELECT coalesce(max(seq), 0) FROM pours")[0][0]


def table(result):
    codes = ", ".join(f"{n} {code}" for code, n in result["in_quarantine"].items()) or "none"
    expected = "as planted" if result["in_quarantine"] == result["expected_quarantine"] else "NOT as planted"
    rows = [
        ("written (printed by the taps after COMMIT)", result["written"]),
        ("in pours", result["in_pours"]),
        ("in quarantine", sum(result["in_quarantine"].values())),
        (f"  by code, {expected}", codes),
        ("lost", result["lost"]),
        ("doubled", result["doubled"]),
        ("guest money: difference in cents", result["difference_cents"]),
        ("keg volume: difference in ml", result["difference_ml"]),
        ("rows left unmarked in the journals", result["unmarked"]),
        ("rows behind central's cursors", result["cursor_behind"]),
        ("SIGKILLs", ", ".join(kill["killed"] for kill in result["kills"])),
        ("seconds", result["seconds"]),
    ]
    lines = [f"{name:<44} {value}" for name, value in rows]
    lines += [f"  ! {problem}" for problem in result["problems"]]
    lines.append("all as expected" if result["ok"] else "NOT as expected")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        prog="./demo",
        description="Installs what is missing, builds, and shows the main job: taps write, agents and central carry,"
        " central, an agent and PostgreSQL are killed in mid-work, and every pour must reach PostgreSQL exactly once"
        " with the money right. Exit 0 only then.",
    )
    parser.add_argument("--pours", type=int, default=3000, help="good pours in all, backlog included (default 3000)")
    parser.add_argument("--agents", type=int, default=3, help="controllers, 3 to 32 (default 3)")
    parser.add_argument("--json", action="store_true", help="the verdict as JSON on stdout, progress on stderr")
    parser.add_argument("--keep", action="store_true", help="keep the files and the database")
    parser.add_argument("--seed", type=int, help="repeat a run's ids, cards and volumes")
    options = parser.parse_args()
    if not 3 <= options.agents <= 32 or options.pours < 100:
        parser.error("--agents takes 3 to 32, --pours at least 100")
    demo = Demo(options)
    result = None
    try:
        result = demo.run()
    except (TimedOut, Finished, RuntimeError, OSError, psycopg2.Error) as error:
        demo.say(f"failed: {error}")
    except KeyboardInterrupt:
        demo.say("interrupted")
    finally:
        demo.stop(failed=result is None or not result["ok"])
    if result is None:
        return 1
    print(json.dumps(result, indent=1) if options.json else table(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
