"""Faults of the settings, the journal, its disk, and journals that nobody knows of."""

import os
import sqlite3
import subprocess
import sys

from . import fault
from .trees import write


def sql(journal, statement, parameters=()):
    connection = sqlite3.connect(journal, timeout=5)
    try:
        with connection:
            return connection.execute(statement, parameters).fetchall()
    finally:
        connection.close()


def see(root, pid):
    """The real process, and the real locks, in the planted tree."""
    os.makedirs(os.path.join(root, "proc"), exist_ok=True)
    for name in (str(pid), "locks"):
        link = os.path.join(root, "proc", name)
        if not os.path.lexists(link):
            os.symlink(f"/proc/{name}", link)


@fault
def unknown_setting(plan):
    write("/", plan.config, 'centrall = "x"\n')


@fault
def unusable_address(plan):
    write("/", plan.config, 'central = "http://central.example:8080"\n')


@fault
def hard_link(plan):
    os.link(plan.journal, plan.journal + ".copy")


@fault
def missing_journal(plan):
    os.remove(plan.journal)


@fault
def foreign_companion(plan):
    open(plan.journal + "-shm", "ab").close()
    os.chown(plan.journal + "-shm", 65534, 65534)


@fault
def dropped_trigger(plan):
    name = sql(plan.journal, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")[0][0]
    sql(plan.journal, f'DROP TRIGGER "{name}"')


@fault
def marked_by_another(plan):
    sql(plan.journal, "INSERT INTO pours (client_tx_id, volume_ml) VALUES ('later', 5)")
    sql(plan.journal, "UPDATE pours SET status = 'confirmed' WHERE client_tx_id = 'later'")


@fault
def in_quarantine(plan):
    sql(plan.journal, "UPDATE pours SET status = 'quarantined'")


@fault
def old_backlog(plan):
    sql(plan.journal, "INSERT INTO pours (client_tx_id, volume_ml, recorded_at) "
                      "VALUES ('old', 5, '2026-01-07T18:00:00.000Z')")


@fault
def damaged_page(plan):
    connection = sqlite3.connect(plan.journal)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'tapline_clock'").fetchone()[0]
    connection.close()
    with open(plan.journal, "r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 64)


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[3], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM pours").fetchall()
print("held", flush=True)
sys.stdin.read()
"""


def hold(plan):
    """A reader that forgot its transaction, with a password among its arguments."""
    script = os.path.join(plan.state, "holder.py")
    write(plan.state, "holder.py", HOLDER)
    process = subprocess.Popen([sys.executable, script, "--password", "Kanarienvogel7", plan.journal],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    plan.keep(process)
    assert process.stdout.readline() == "held\n"
    see(plan.root, process.pid)
    plan.say(pid=process.pid)


def mapped_sqlite(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return {line[line.index("/"):].strip() for line in maps if "sqlite3" in line}


@fault
def second_forwarder(plan):
    """Two programs have the journal open, and the tree has the SQLite that they work with."""
    hold(plan)
    for library in mapped_sqlite(plan.said["pid"]):
        link = plan.root + library
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(library, link)
    hold(plan)


@fault
def forgotten_transaction(plan):
    hold(plan)
    connection = sqlite3.connect(plan.journal)
    connection.execute("CREATE TABLE padding (x BLOB)")
    connection.execute("INSERT INTO padding VALUES (zeroblob(6000000))")
    connection.commit()
    connection.close()


@fault
def swapped_journal(plan):
    hold(plan)
    copy = plan.journal + ".new"
    sql(plan.journal, f"VACUUM INTO '{copy}'")
    for suffix in ("-wal", "-shm"):
        if os.path.exists(plan.journal + suffix):
            os.remove(plan.journal + suffix)
    os.rename(copy, plan.journal)


@fault
def removed_wal(plan):
    hold(plan)
    for suffix in ("-wal", "-shm"):
        os.remove(plan.journal + suffix)


# --- stray journals

TABLE = "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, volume_ml INTEGER, status TEXT DEFAULT 'new')"


def stray(plan, directory):
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, os.path.basename(plan.journal))
    sql(path, TABLE)
    sql(path, "INSERT INTO pours (client_tx_id, volume_ml) VALUES ('lost', 400)")
    plan.say(stray=path)
    return path


@fault
def stray_in_a_home(plan):
    stray(plan, os.path.join(plan.root, "home/pi/beer-tap"))


@fault
def stray_beside(plan):
    stray(plan, os.path.join(os.path.dirname(plan.journal), "old"))


def work_in(plan, directory):
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], cwd=directory,
                               stdin=subprocess.PIPE)
    plan.keep(process)
    see(plan.root, process.pid)
    plan.say(pid=process.pid)


@fault
def stray_of_a_running_program(plan):
    directory = os.path.join(plan.state, "elsewhere")
    stray(plan, directory)
    work_in(plan, directory)


@fault
def stray_in_its_wal_only(plan):
    """The program was killed before anything was copied back."""
    directory = os.path.join(plan.state, "killed")
    os.makedirs(directory)
    path = os.path.join(directory, os.path.basename(plan.journal))
    subprocess.run([sys.executable, "-c",
                    "import os, signal, sqlite3, sys\n"
                    "connection = sqlite3.connect(sys.argv[1])\n"
                    "connection.execute('PRAGMA journal_mode=WAL')\n"
                    "connection.execute(sys.argv[2])\n"
                    "os.kill(os.getpid(), signal.SIGKILL)\n", path, TABLE], check=False)
    assert os.path.getsize(path + "-wal") > 0
    plan.say(stray=path)
    work_in(plan, directory)


@fault
def same_name_but_no_journal(plan):
    """No fault: somebody else's file of this name, and another program's database."""
    directory = os.path.join(plan.root, "home/pi/other")
    os.makedirs(directory)
    path = os.path.join(directory, os.path.basename(plan.journal))
    sql(path, "CREATE TABLE songs (title TEXT)")
    write(plan.root, f"opt/else/{os.path.basename(plan.journal)}", "not a database")


# --- the disk, for those who may mount

def small_disk(plan, options):
    """The journal on a disk of its own, still healthy."""
    place = os.path.join(plan.state, "disk")
    os.makedirs(place)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
    plan.keep_mount(place)
    journal = os.path.join(place, os.path.basename(plan.journal))
    sql(plan.journal, f"VACUUM INTO '{journal}'")
    sql(journal, "PRAGMA journal_mode=WAL")
    plan.say(journal=journal)
    return place


@fault
def little_room(plan):
    small_disk(plan, "size=60m")


@fault
def no_room(plan):
    place = small_disk(plan, "size=20m")
    with open(os.path.join(place, "ballast"), "wb") as file:
        file.write(b"x" * (8 << 20))


@fault
def no_inodes(plan):
    place = small_disk(plan, "size=400m,nr_inodes=40")
    number = 0
    try:
        while True:
            open(os.path.join(place, f"small{number}"), "xb").close()
            number += 1
    except OSError:
        pass
    os.remove(os.path.join(place, "small0"))  # one for the -shm
    os.remove(os.path.join(place, "small1"))  # one for the -wal
    open(plan.said["journal"] + "-shm", "ab").close()
    open(plan.said["journal"] + "-wal", "ab").close()


@fault
def read_only_disk(plan):
    place = small_disk(plan, "size=400m")
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
