"""The journal belongs to the writer's user. Whoever else opens it must not lock the writer out."""

import json
import os
import pwd
import shutil
import unittest

from lab import Stage, program, run_command, sql

WRITER = "nobody"
OTHER = "daemon"


@unittest.skipUnless(os.geteuid() == 0, "needs root to become two other users")
class TwoUsers(unittest.TestCase):
    """Programs are copied: a clone under /root or in mktemp's 0700 directory is closed to both users."""

    def test_the_writer_never_sees_a_read_only_database(self):
        writer = pwd.getpwnam(WRITER).pw_uid
        with Stage(taps=1) as stage:
            home = stage.path("controller")
            os.mkdir(home)
            os.chown(home, writer, pwd.getpwnam(WRITER).pw_gid)
            self.use_copied_programs(stage)
            journal = os.path.join(home, "local_journal.db")
            tap = stage.add_tap(journal, release="gen5", create=True, count=20, user=WRITER)
            os.chown(stage.directory, writer, -1)
            tap.run()

            self.refused(["journal", "adopt", journal, "--json"])
            # Root is no user of the journal either: it becomes the owner before it opens the file.
            done = run_command("tapline-agent", ["journal", "adopt", journal, "--json"])
            self.assertEqual(done.returncode, 0, done.stderr)
            stage.journals.append(journal)
            self.everything_is_the_writers(home, writer)

            stage.add_agent(journal).start()
            running = stage.add_tap(journal, count=300, rate=60, user=WRITER, busy_timeout_ms=100).start()
            for _ in range(5):
                self.refused(["journal", "check", journal])
                self.refused(["journal", "adopt", journal, "--json"])
                run_command("tapline-agent", ["status", "--journal", journal, "--json"], user=OTHER)
                self.everything_is_the_writers(home, writer)
            code = running.wait(30)
            self.assertEqual(code, 0, running.log_tail())
            self.assertEqual(running.report()["busy"], 0)
            stage.finish_taps()
            stage.wait_quiet()
            self.assertTrue(stage.compare()["ok"], json.dumps(stage.compare(), indent=1))
            stage.agents[0].stop()
            self.everything_is_the_writers(home, writer)
            stage.add_tap(journal, count=1, user=WRITER).run()
            self.assertEqual(sql(journal, "SELECT count(*) FROM pours")[0][0], 321)

    def refused(self, arguments):
        done = run_command("tapline-agent", arguments, user=OTHER)
        self.assertEqual(done.returncode, 3, f"{arguments}: {done.stdout}{done.stderr}")
        self.assertIn(WRITER, done.stdout + done.stderr, "the error has to name the user to use")

    def everything_is_the_writers(self, home, writer):
        owners = {name: os.stat(os.path.join(home, name)).st_uid for name in os.listdir(home)}
        self.assertEqual({name for name, uid in owners.items() if uid != writer}, set(), owners)

    def use_copied_programs(self, stage):
        directory = stage.path("bin")
        os.mkdir(directory)
        for name in ("tapline-agent", "tapline-tap-sim"):
            shutil.copy(program(name), directory)
        os.symlink(program("tapline-central"), os.path.join(directory, "tapline-central"))
        before = os.environ.get("TAPLINE_BIN")
        os.environ["TAPLINE_BIN"] = directory
        self.addCleanup(lambda: os.environ.update(TAPLINE_BIN=before) if before else os.environ.pop("TAPLINE_BIN"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
