"""The programs under test, started, killed by pid and started again."""

import http.client
import json
import os
import pwd
import signal
import ssl
import subprocess

from .waiting import TimedOut, free_port, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def program(name):
    """From TAPLINE_BIN, else from the release build."""
    directory = os.environ.get("TAPLINE_BIN") or os.path.join(ROOT, "build", "bin")
    path = os.path.join(directory, name)
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} isn't built; TAPLINE_BIN says where the programs are")
    return path


def clean_environment(extra=None):
    """Neither the caller's database nor settings of his may leak into a program under test."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "POSTGRES_", "TAPLINE_"))}
    env.pop("DATABASE_URL", None)
    env.setdefault("ASAN_OPTIONS", "abort_on_error=0")
    env.update(extra or {})
    return env


def as_user(name):
    """Arguments for subprocess: become that user whole, group and all."""
    if name is None:
        return {}
    account = pwd.getpwnam(name)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class Finished(Exception):
    """A program ended by itself where it shouldn't."""


class Program:
    """One program that may live several lives; each life appends to the same log."""

    def __init__(self, name, directory, command, env=None, user=None):
        self.name = name
        self.log = os.path.join(directory, f"{name}.log")
        self.command = command
        self.env = env or {}
        self.user = user
        self.output = None  # where stdout goes; None: into the log
        self.process = None
        self.lives = 0

    def start(self, **extra_env):
        if self.running:
            raise RuntimeError(f"{self.name} runs already")
        with open(self.log, "ab") as log, open(self.output or self.log, "ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env=clean_environment({**self.env, **extra_env}),
                **as_user(self.user),
            )
        self.lives += 1
        return self

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def sigkill(self):
        """Returns False when it had ended before."""
        if not self.running:
            return False
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        return self.process.returncode == -signal.SIGKILL

    def stop(self, timeout_s=20):
        """SIGTERM and wait; returns the exit code. A program that doesn't end is killed and that is an error."""
        if self.process is None:
            return None
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.sigkill()
            raise TimedOut(f"{self.name} ignored SIGTERM for {timeout_s} s:\n{self.log_tail()}") from None

    def wait(self, timeout_s):
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{self.name} still runs after {timeout_s} s:\n{self.log_tail()}") from None

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def log_tail(self, lines=25):
        return "\n".join(self.log_text().splitlines()[-lines:])


class Central(Program):
    def __init__(self, directory, database_url=None, embedded=None, name="central", port=None, env=None, tls=None, config=None, network=None):
        """tls: directory of `tls init`. config: a central.toml. network: central is a machine of its own."""
        self.port = port or free_port()
        self.tls = tls
        self.network = network
        self.host = network.central_address if network else "127.0.0.1"
        command = network.at(network.central) if network else []
        command += [program("tapline-central"), "serve", "--listen", f"{self.host}:{self.port}"]
        command += ["--tls", tls] if tls else []
        command += ["--config", config] if config else []
        environment = dict(env or {})
        if embedded:
            command += ["--embedded", embedded]
        else:
            environment["DATABASE_URL"] = database_url
        super().__init__(name, directory, command, environment)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def get(self, path, timeout_s=3):
        return self.request("GET", path, None, timeout_s)

    def request(self, method, path, body=None, timeout_s=10, identity=None, headers=None):
        """(status, text); status 0 when nobody answers. identity: file of key and certificate, over TLS."""
        if self.network:
            headers = {**(headers or {}), "Content-Type": "application/json"}
            return self.network.curl(self.url + path, ca=os.path.join(self.tls, "ca.pem"), method=method, body=body,
                                     headers=headers, identity=identity, timeout_s=timeout_s)
        if self.tls:
            context = ssl.create_default_context(cafile=os.path.join(self.tls, "ca.pem"))
            if identity:
                context.load_cert_chain(identity)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout_s, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            headers = dict(headers or {})
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()

    def ready(self):
        return self.get("/readyz")[0] == 200

    def wait_ready(self, timeout_s=30):
        def check():
            if not self.running:
                raise Finished(f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            return self.ready()

        wait_until(check, timeout_s, f"{self.name} answers /readyz with 200")
        return self


class Agent(Program):
    def __init__(self, directory, journals, central_url, name="agent", user=None, env=None, state_dir=None, before=()):
        """journals: one path or several. before: what stands before the command. The first retry isn't
        spread out as it is in a fleet."""
        self.journals = [journals] if isinstance(journals, str) else list(journals)
        command = [*before, program("tapline-agent"), "run", "--central", central_url, "--name", name]
        command += ["--first-retry-spread-s", "0", "--retry-cap-ms", "4000"]
        command += ["--status-file", os.path.join(directory, f"{name}.status")]
        command += ["--state-dir", state_dir] if state_dir else []
        for journal in self.journals:
            command += ["--journal", journal]
        super().__init__(name, directory, command, env, user)


class TapSim(Program):
    """The tap's own program, imitated. Its stdout is the oracle's source and survives its death."""

    def __init__(
        self, directory, journal, name="tap", *, release="gen8", cards=(), tap=1, seed=1, user=None, **options
    ):
        """options: count, seconds, rate, bad (list), and any other option of tapline-tap-sim with _ for -."""
        self.journal = journal
        self.printed = os.path.join(directory, f"{name}.pours")
        self.report_file = os.path.join(directory, f"{name}.latency.json")
        command = [program("tapline-tap-sim"), "--journal", journal, "--release", release]
        command += ["--tap", str(tap), "--seed", str(seed), "--latency-json", self.report_file]
        if cards:
            command += ["--cards", ",".join(cards)]
        for option, value in options.items():
            flag = "--" + option.replace("_", "-")
            if value is True:
                command.append(flag)
            elif isinstance(value, (list, tuple)):
                command += [flag, ",".join(value)] if value else []
            elif value is not None and value is not False:
                command += [flag, str(value)]
        super().__init__(name, directory, command, None, user)
        self.output = self.printed

    def run(self, timeout_s=60):
        """Starts, waits, and requires exit 0."""
        self.start()
        code = self.wait(timeout_s)
        if code != 0:
            raise Finished(f"{self.name} ended with {code}:\n{self.log_tail()}")
        return self

    def lines(self):
        """Pours whose COMMIT the writer saw."""
        if not os.path.exists(self.printed):
            return []
        with open(self.printed, encoding="utf-8") as printed:
            return [json.loads(line) for line in printed.read().split("\n")[:-1]]

    def report(self):
        with open(self.report_file, encoding="utf-8") as report:
            return json.load(report)


def run_command(name, arguments, timeout_s=60, env=None, user=None, stdin=None, before=()):
    """A CLI verb, to its end: a CompletedProcess with text."""
    return subprocess.run(
        [*before, program(name), *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(env),
        **as_user(user),
        timeout=timeout_s,
        check=False,
        encoding="utf-8",
        errors="replace",
    )


def must(name, arguments, **options):
    """A CLI verb that has to succeed."""
    done = run_command(name, arguments, **options)
    if done.returncode != 0:
        raise Finished(f"{name} {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def adopt(journal, user=None, env=None):
    """`tapline-agent journal adopt`; its JSON."""
    done = must("tapline-agent", ["journal", "adopt", journal, "--json"], user=user, env=env)
    return json.loads(done.stdout)
