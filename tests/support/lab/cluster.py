"""A PostgreSQL 15 of our own: a temporary directory, a Unix socket, no TCP."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import time
import urllib.parse

import psycopg2

from .waiting import TimedOut, wait_until, work_directory

# The pilot's own name. Not `tapline`: in a schema of that name "$user" would hide public.alembic_version.
USER = "beer_user"
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{directory}'
port = {port}
max_connections = 80
fsync = off
full_page_writes = off
# A server whose default is off, and whose WAL writer is lazy, loses every commit that was acked
# without SET LOCAL synchronous_commit = on when the postmaster is killed.
synchronous_commit = off
wal_writer_delay = 10s
wal_writer_flush_after = 1GB
log_line_prefix = '%m [%p] %a '
log_lock_waits = on
"""


def server_programs():
    found = sorted(glob.glob("/usr/lib/postgresql/15/bin")) or [os.path.dirname(shutil.which("postgres") or "")]
    if not found[0]:
        raise RuntimeError("PostgreSQL 15 isn't installed: apt-get install postgresql-15")
    return found[0]


def as_postgres(command):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]


def postmaster_pid(directory):
    """Of a server whose data lies in the directory or one below; None when none lives there."""
    for path in glob.glob(os.path.join(directory, "postmaster.pid")) + glob.glob(f"{directory}/*/postmaster.pid"):
        try:
            with open(path, encoding="utf-8") as lines:
                pid = int(lines.readline())
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                if stat.read().rpartition(")")[2].split()[0] != "Z":
                    return pid
        except (OSError, ValueError):
            continue
    return None


class Cluster:
    USER = USER
    PORT = 5432  # names the socket file only

    def __init__(self, keep=False):
        self.keep = keep
        self.directory = work_directory("tapline-pg-")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "server.log")
        self.process = None
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self.directory, postgres.pw_uid, postgres.pw_gid)
        command = [os.path.join(server_programs(), "initdb"), "-D", self.data, "-U", USER, "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "-N"]
        made = subprocess.run(
            as_postgres(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", timeout=120, check=False
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stdout.decode(errors='replace')}")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(SETTINGS.format(directory=self.directory, port=self.PORT))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def url(self, database="bar", application="lab"):
        host = urllib.parse.quote(self.directory, safe="")
        return f"postgresql://{USER}@/{database}?host={host}&port={self.PORT}&application_name={application}"

    @property
    def socket_file(self):
        return os.path.join(self.directory, f".s.PGSQL.{self.PORT}")

    def connect(self, database="bar"):
        connection = psycopg2.connect(self.url(database), connect_timeout=10)
        connection.autocommit = True
        return connection

    def start(self, timeout_s=30):
        """After a SIGKILL the old backends need a moment to notice; until then the new postmaster
        refuses the data directory."""
        deadline = time.monotonic() + timeout_s
        while True:
            log = open(self.log, "ab")
            command = as_postgres([os.path.join(server_programs(), "postgres"), "-D", self.data])
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
            log.close()
            while self.process.poll() is None and time.monotonic() < deadline:
                try:
                    self.connect("postgres").close()
                    return
                except psycopg2.OperationalError:
                    time.sleep(0.05)
            if time.monotonic() >= deadline:
                self.stop()
                raise TimedOut(f"PostgreSQL didn't start within {timeout_s} s:\n{self.log_tail()}")
            time.sleep(0.2)

    def log_tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-20:])

    def sigkill(self):
        """The postmaster only, as the kernel's OOM killer would do it; its children see it and end."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def restart_after_kill(self):
        self.sigkill()
        self.start()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                self.process.send_signal(number)
                try:
                    self.process.wait(15)
                    break
                except subprocess.TimeoutExpired:
                    continue
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def create_database(self, name="bar"):
        self.rows(f'CREATE DATABASE "{name}" TEMPLATE template0', database="postgres")
        return self.url(name)

    def one(self, sql, parameters=(), database="bar"):
        rows = self.rows(sql, parameters, database)
        return rows[0][0] if rows else None

    def rows(self, sql, parameters=(), database="bar"):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def wait_idle(self, timeout_s=10):
        """No other client's transaction is open."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in tr%' AND pid <> pg_backend_pid()"
        wait_until(lambda: self.one(sql) == 0, timeout_s, "every transaction ends")
