"""One bar on stage: PostgreSQL, central, journals with their agents and taps, and the oracle."""

import json
import os
import random
import shutil
import sys

import psycopg2

from .bar import Bar
from .cluster import Cluster
from .journals import sql, unmarked
from .oracle import Oracle
from .programs import Agent, Central, TapSim, adopt, must
from .waiting import TimedOut, wait_until, work_directory

SELECT_SETTLED = "SELECT (SELECT count(*) FROM pours) + (SELECT count(*) FROM tapline.quarantine)"


class Stage:
    """`with Stage(taps=3) as stage:` ends everything it started, also when the test fails; then the
    ends of all logs are printed. The seed is printed; TAPLINE_SEED repeats a run's data."""

    GATEWAY_ROLE = "tapline_gateway"

    def __init__(self, *, central_url=None, tls=False, central_toml="", network=None, **bar_options):
        self.seed = int(os.environ.get("TAPLINE_SEED") or random.SystemRandom().randrange(1 << 31))
        print(f"seed {self.seed} (TAPLINE_SEED={self.seed} repeats it)", flush=True)
        self.dice = random.Random(self.seed)
        self.bar = Bar(self.seed, **bar_options)
        self.oracle = Oracle(self.bar)
        self.central_url = central_url
        self.directory = work_directory()
        self.tls = self.path("tls") if tls else None
        self.central_toml = central_toml
        self.network = network
        self.before_agent = network.at(network.device) if network else []
        self.cluster = None
        self.central = None
        self.agents = []
        self.taps = []
        self.journals = []
        self.writers = 0

    def __enter__(self):
        try:
            self.cluster = Cluster()
            self.cluster.start()
            self.database_url = self.cluster.create_database("bar")
            must("tapline-central", ["upgrade"], env={"DATABASE_URL": self.database_url}, timeout_s=60)
            connection = self.cluster.connect()
            self.bar.seed(connection)
            connection.close()
            url = self.central_url(self) if self.central_url else self.database_url
            config = self.path("central.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(self.central_toml)
            if self.tls:
                names = ["--name", "127.0.0.1", "--name", "localhost"]
                names += ["--name", self.network.central_address] if self.network else []
                must("tapline-central", ["tls", "init", *names, "--dir", self.tls])
            self.central = Central(self.directory, url, tls=self.tls, config=config, network=self.network)
            self.central.start()
            self.central.wait_ready()
        except BaseException:
            self.close(failed=True)
            raise
        return self

    def __exit__(self, kind, *_):
        self.close(failed=kind is not None)

    def close(self, failed):
        programs = [*self.taps, *self.agents, self.central]
        for program in programs:
            try:
                if program is not None:
                    program.stop()
            except TimedOut as error:
                failed = True
                print(error, file=sys.stderr)
        if failed:
            for program in programs:
                if program is not None and os.path.exists(program.log):
                    print(f"--- {program.name}\n{program.log_tail()}", file=sys.stderr)
            if self.cluster is not None:
                print(f"--- PostgreSQL\n{self.cluster.log_tail()}", file=sys.stderr)
        if self.cluster is not None:
            self.cluster.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def new_journal(self, name=None):
        """At the head schema, empty."""
        journal = self.path(name or f"journal{len(self.journals) + 1}.db")
        open(journal, "wb").close()
        return self.adopted(journal)

    def adopted(self, journal):
        adopt(journal)
        self.journals.append(journal)
        return journal

    def add_agent(self, journal, name=None, **options):
        agent = Agent(self.directory, journal, self.central.url, name or f"agent{len(self.agents) + 1}", before=self.before_agent,
                      **options)
        self.agents.append(agent)
        return agent

    def verb(self, *arguments, stdin=None):
        """A verb of tapline-central on this bar's database; its JSON."""
        done = must(
            "tapline-central", [*arguments, "--json"], env={"DATABASE_URL": self.database_url}, stdin=stdin
        )
        return json.loads(done.stdout)

    def as_gateway_role(self):
        """The database for central, as the role of `grants --gateway-role`, which is made here:
        Stage(central_url=Stage.as_gateway_role)."""
        role = self.GATEWAY_ROLE
        self.cluster.rows(f"CREATE ROLE {role} LOGIN")
        must("tapline-central", ["grants", "--gateway-role", role], env={"DATABASE_URL": self.database_url})
        return self.database_url.replace(f"//{self.cluster.USER}@", f"//{role}@")

    def token(self, name, *taps, minutes=60):
        options = [word for tap in taps for word in ("--tap", str(tap))]
        made = self.verb(
            "controllers", "enroll", name, *options, "--minutes", str(minutes), "--tls", self.tls
        )
        return made["token"]

    def enroll(self, name, *taps):
        """Gives the state directory of a device that is enrolled as `name`."""
        state = self.path(f"{name}.state")
        must(
            "tapline-agent",
            ["enroll", self.central.url, "--state-dir", state],
            stdin=self.token(name, *taps) + "\n",
            before=self.before_agent,
        )
        return state

    def add_tap(self, journal, tap=1, **options):
        """Not started. Each has a seed of its own, so that no two print the same id."""
        self.writers += 1
        options.setdefault("cards", list(self.bar.cards))
        writer = TapSim(
            self.directory, journal, f"tap{self.writers}", tap=tap, seed=self.seed * 1024 + self.writers, **options
        )
        self.taps.append(writer)
        return writer

    def finish_taps(self, timeout_s=60):
        """Waits for taps with a count, ends the others, and gives their lines to the oracle."""
        for tap in self.taps:
            if "--count" in tap.command:
                code = tap.wait(timeout_s)
            else:
                code = tap.stop()
            if code != 0:
                raise RuntimeError(f"{tap.name} ended with {code}:\n{tap.log_tail()}")
            self.oracle.add_lines(tap.lines())
        self.taps.clear()

    def settled(self):
        """Rows in pours and quarantine; None while PostgreSQL is away."""
        try:
            return self.cluster.one(SELECT_SETTLED)
        except psycopg2.Error:
            return None

    def unmarked(self):
        return sum(unmarked(journal) for journal in self.journals)

    def wait_quiet(self, timeout_s=60):
        wait_until(
            lambda: self.settled() == self.oracle.written and self.unmarked() == 0,
            timeout_s,
            lambda: f"{self.settled()} of {self.oracle.written} settled, {self.unmarked()} rows unmarked",
            0.1,
        )

    def compare(self):
        connection = self.cluster.connect()
        try:
            return self.oracle.compare(connection)
        finally:
            connection.close()

    def highest_seqs(self):
        return {journal: sql(journal, "SELECT max(seq) FROM pours")[0][0] or 0 for journal in self.journals}
