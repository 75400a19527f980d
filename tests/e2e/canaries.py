"""Canaries planted as codes, keys and passwords are searched in logs (debug too), arguments, environments and titles
of processes, crash output, and in every error that a mistyped setting or token makes."""

import os
import pathlib
import re
import signal
import subprocess
import tarfile
import unittest

from lab import Stage, sql
from lab.programs import Central, run_command

PASSWORD = "Kanarienvogel7"
# With every character that a URL has a meaning for.
ODD_PASSWORD = "Kanarie:n@v/o?g#e%l&7 '\"\\"
QUOTED = "Kanarie%3An%40v%2Fo%3Fg%23e%25l%267%20%27%22%5C"


def descendants(pid):
    """The processes that it started, and theirs."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            parent = int(re.search(r"^PPid:\s+(\d+)", status.read_text(), re.M).group(1))
        except (OSError, AttributeError):
            continue
        if parent == pid:
            found += [int(status.parent.name), *descendants(int(status.parent.name))]
    return found


def proc(pid, part):
    try:
        return pathlib.Path(f"/proc/{pid}/{part}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def key_lines(path):
    """The secret lines of a PEM file."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    key = re.search(r"BEGIN (?:EC )?PRIVATE KEY-----\n(.*?)-----END", text, re.S).group(1)
    return key.split()


class Secrets(unittest.TestCase):
    def none_of(self, canaries, places):
        for what, canary in canaries.items():
            self.assertGreater(len(canary), 9, what)
            for place, text in places.items():
                self.assertNotIn(canary, text, f"{what} stands in {place}")

    def look_at(self, running, places):
        for one in running:
            for part in ("cmdline", "comm"):
                places[f"{part} of {one.name}"] = proc(one.pid, part)
            for child in descendants(one.pid):
                for part in ("cmdline", "comm", "environ"):
                    places[f"{part} of {child}, child of {one.name}"] = proc(child, part)

    def with_password(self, stage):
        return stage.database_url.replace(f"//{stage.cluster.USER}@", f"//{stage.cluster.USER}:{QUOTED}@")

    def test_a_fleet_at_work_and_its_crash_tell_no_secret_at_any_log_level(self):
        with Stage(taps=1, tls=True, central_url=self.with_password, central_toml='log_level = "debug"') as stage:
            canaries = {"password": ODD_PASSWORD, "password as it is written": QUOTED}
            token = stage.token("bar-1", 1)
            code = token.split("-")[2]
            canaries["code"] = code
            state = stage.path("bar-1.state")
            enrolled = run_command("tapline-agent", ["enroll", stage.central.url, "--state-dir", state, "--json"],
                                   stdin=token + "\n")
            self.assertEqual(enrolled.returncode, 0, enrolled.stderr)
            places = {"answer of enroll": enrolled.stdout + enrolled.stderr}
            agent = stage.add_agent(stage.new_journal(), "bar-1", state_dir=state)
            agent.command += ["--log-level", "debug"]
            agent.start()
            again = run_command("tapline-agent", ["enroll", stage.central.url, "--state-dir", stage.path("thief")],
                                stdin=token + "\n")
            self.assertEqual(again.returncode, 3)
            places["a code that was used"] = again.stdout + again.stderr
            stage.add_tap(agent.journals[0], 1, count=50, rate=200).start()
            stage.finish_taps()
            stage.wait_quiet()
            for name, file in (("device", os.path.join(state, "identity.pem")),
                               ("authority", os.path.join(stage.tls, "ca.key")),
                               ("server", os.path.join(stage.tls, "server.pem"))):
                for number, line in enumerate(key_lines(file)):
                    canaries[f"key of the {name}, line {number}"] = line
            self.look_at([stage.central, agent], places)
            verbs = (["controllers", "list"], ["tls", "show", "--dir", stage.tls], ["check"], ["hold", "status"])
            for verb in verbs:
                done = run_command("tapline-central", [*verb, "--json"],
                                   env={"DATABASE_URL": self.with_password(stage)})
                places[" ".join(verb)] = done.stdout + done.stderr
            for one in (stage.central, agent):
                limit = re.search(r"Max core file size\s+(\S+)\s+(\S+)", proc(one.pid, "limits")).groups()
                self.assertEqual(limit, ("0", "0"), f"a core file of {one.name} would hold keys")
                one.process.send_signal(signal.SIGABRT)
                one.process.wait(10)
                places[f"log and crash of {one.name}"] = one.log_text()
            self.assertIn(" debug ", stage.central.log_text())
            self.assertEqual(list(pathlib.Path(".").glob("core*")), [])
            canaries = {what: canary for what, canary in canaries.items() if len(canary) > 9}
            self.none_of(canaries, places)

    def test_a_bundle_for_support_holds_none_of_them(self):
        with Stage(taps=1, tls=True) as stage:
            state = stage.path("bar-1.state")
            token = stage.token("bar-1", 1)
            done = run_command("tapline-agent", ["enroll", stage.central.url, "--state-dir", state], stdin=token + "\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            agent = stage.add_agent(stage.new_journal(), "bar-1", state_dir=state)
            agent.command += ["--log-level", "debug"]
            agent.start()
            stage.add_tap(agent.journals[0], 1, count=20, rate=200).start()
            stage.finish_taps()
            stage.wait_quiet()
            canaries = {"code": token.split("-")[2], "password": PASSWORD, "other password": "Zeisig-im-Kaefig"}
            for number, line in enumerate(key_lines(os.path.join(state, "identity.pem"))):
                canaries[f"key, line {number}"] = line
            for number, (card,) in enumerate(sql(agent.journals[0], "SELECT DISTINCT card_uid FROM pours")):
                canaries[f"card {number}"] = f'"{card}"'  # as JSON shows it; a short one may be part of a hash
            key = pathlib.Path(state, "identity.pem").read_text(encoding="utf-8")
            # Somebody wrote secrets where none belong: settings, a log, a line of commands.
            pathlib.Path(state, "enrolling.key").write_text(key, encoding="utf-8")
            config = pathlib.Path(stage.path("agent.toml"))
            log = pathlib.Path(stage.path("somebody.log"))
            log.write_text(f"{key}\ntoken: {token}\nINTERNAL_TOKEN={PASSWORD}\nhttps://bar:{PASSWORD}@hub/x\n"
                           f'{{"password": "{PASSWORD}", "line": "secret = \\"Zeisig-im-Kaefig\\""}}\n' + agent.log_text(),
                           encoding="utf-8")
            held = subprocess.Popen(
                ["python3", "-c", "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                 "c.execute('BEGIN')\nc.execute('SELECT count(*) FROM pours').fetchall()\nprint('held', flush=True)\n"
                 "sys.stdin.read()", agent.journals[0], f"--password={PASSWORD}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.addCleanup(held.communicate)
            self.assertEqual(held.stdout.readline(), "held\n")
            places = {}
            for what, text in (("settings in order", f'central = "{stage.central.url}"\n'),
                               ("an unknown setting", f'db_password = "{PASSWORD}"\n'),
                               ("a URL with a password", f'central = "https://bar:{PASSWORD}@127.0.0.1:1"\n'),
                               ("half a line", f'central = "{PASSWORD}\n')):
                config.write_text(f'journal = "{agent.journals[0]}"\n{text}# {PASSWORD}\n', encoding="utf-8")
                output = stage.path("bundle.tar.gz")
                done = run_command("tapline-agent", ["bundle", "-o", output, "--config", str(config), "--state-dir", state,
                                                     "--log", str(log), "--json"], env={"UNRELATED_TOKEN": PASSWORD})
                self.assertEqual(done.returncode, 0, done.stderr)
                places[f"output with {what}"] = done.stdout + done.stderr
                with tarfile.open(output) as archive:
                    for member in archive.getmembers():
                        name = member.name.split("/", 1)[1]
                        places[f"{name} with {what}"] = archive.extractfile(member).read().decode(errors="replace")
            self.assertIn("[secret]", places["log-1.txt with settings in order"])
            self.assertIn("bar-1", places["identity.json with settings in order"])
            self.assertIn(": sending", places["log-1.txt with settings in order"])
            self.none_of({what: canary for what, canary in canaries.items() if len(canary) > 9}, places)

    def test_an_embedded_server_gets_nothing_of_ours(self):
        with Stage(taps=0) as stage:
            secret = {"TAPLINE_UNRELATED_TOKEN": PASSWORD}
            central = Central(stage.directory, embedded=stage.path("embedded"), name="embedded", env=secret)
            central.start()
            self.addCleanup(central.stop)
            central.wait_ready(60)
            children = descendants(central.pid)
            self.assertGreater(len(children), 3)
            places = {}
            for child in children:
                for part in ("cmdline", "comm"):
                    places[f"{part} of {child}"] = proc(child, part)
            places["log"] = central.log_text()
            self.none_of({"variable": PASSWORD}, places)
            central.stop()

    def errors(self, arguments, env=None, stdin=None, name="tapline-central"):
        """Both ways of a refusal's output."""
        text = ""
        for json in ([], ["--json"]):
            done = run_command(name, [*arguments, *json], env=env, stdin=stdin)
            self.assertNotEqual(done.returncode, 0, (arguments, done.stdout))
            text += done.stdout + done.stderr
        return text

    def test_no_error_of_a_wrong_database_url_shows_the_password(self):
        directory = "/nonexistent"
        urls = [
            f"postgresql://bar:{PASSWORD}@{directory}:notaport/bar",
            f"postgresql://bar:{PASSWORD}@127.0.0.1:1/bar",
            f"postgresql://bar:{PASSWORD}@127.0.0.1:1,127.0.0.2:1/bar?connect_timeout=2",
            f"postgresql://bar:{PASSWORD}%ZZ@127.0.0.1:1/bar",
            f"postgresql://bar:{PASSWORD}@[::1/bar",
            f"postgresql://127.0.0.1:1/bar?user=bar&password={PASSWORD}",
            f"postgresql://bar:{PASSWORD}@127.0.0.1:1/bar?sslmode=nonsense",
            f"postgresql:/bar:{PASSWORD}@127.0.0.1:1/bar",
            f"mysql://bar:{PASSWORD}@127.0.0.1:1/bar",
            f"postgresql+asyncpg://bar:{PASSWORD}@127.0.0.1:1/bar",
            f"host=127.0.0.1 port=1 user=bar password={PASSWORD} dbname=bar",
            f"host=127.0.0.1 port=1 user=bar password='{PASSWORD} dbname=bar",
            f"{PASSWORD}",
        ]
        places = {}
        for url in urls:
            places[f"check with {url.replace(PASSWORD, '…')}"] = self.errors(["check"], {"DATABASE_URL": url})
        parts = {"POSTGRES_USER": "bar", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_HOST": "127.0.0.1",
                 "POSTGRES_PORT": "1", "POSTGRES_DB": "bar"}
        places["check with parts"] = self.errors(["check"], parts)
        both = {**parts, "DATABASE_URL": f"postgresql://bar:{PASSWORD}x@127.0.0.1:2/other"}
        places["check with both"] = self.errors(["check"], both)
        places["flag"] = self.errors(["check", "--database-url", urls[1]])
        self.none_of({"password": PASSWORD}, places)

    def test_no_error_of_a_broken_configuration_shows_the_password(self):
        with Stage(taps=0) as stage:
            places = {}
            for number, text in enumerate((
                f'database_url = "postgresql://bar:{PASSWORD}@127.0.0.1:1/bar\n',
                f'database_url = postgresql://bar:{PASSWORD}@127.0.0.1:1/bar\n',
                f'database_url = ["postgresql://bar:{PASSWORD}@127.0.0.1:1/bar"]\n',
                f'database_uri = "postgresql://bar:{PASSWORD}@127.0.0.1:1/bar"\n',
                f'database_url = "postgresql://bar:{PASSWORD}@127.0.0.1:1/bar"\n',
            )):
                path = stage.path(f"broken{number}.toml")
                pathlib.Path(path).write_text(text, encoding="utf-8")
                places[f"configuration {number}"] = self.errors(["check", "--config", path])
            self.none_of({"password": PASSWORD}, places)

    def test_no_error_of_a_mistyped_token_shows_it(self):
        with Stage(taps=0, tls=True) as stage:
            token = stage.token("bar-1")
            code = token.split("-")[2]
            places = {}
            for what, said in (
                ("cut", token[:-3]), ("twice", token + token), ("code alone", code),
                ("other word", token.replace("TAP1", "TAP9")), ("in lower case", token.lower() + "x"),
                ("wrong root", re.sub(r"-[0-9a-f]{64}-", f"-{'0' * 64}-", token)),
            ):
                url = stage.central.url
                places[what] = self.errors(["enroll", url, "--state-dir", stage.path("state")], stdin=said + "\n",
                                           name="tapline-agent")
            places["nobody there"] = self.errors(
                ["enroll", "https://127.0.0.1:1", "--state-dir", stage.path("state")], stdin=token + "\n",
                name="tapline-agent")
            places["central's log"] = stage.central.log_text()
            self.none_of({"code": code[:-3], "code in lower case": code.lower()[:-3]}, places)


if __name__ == "__main__":
    unittest.main(verbosity=2)
