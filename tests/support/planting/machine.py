"""Faults of the machine, its network and its certificate."""

import os
import socket
import subprocess
import sys

from . import fault
from .trees import NO_TRIE, ROUTE, TRIE, UNIT_GROUP, device, memory_group, systemctl, write

# --- the machine

@fault
def little_memory(plan):
    write(plan.root, "proc/meminfo", "MemAvailable: 9000 kB\n")


@fault
def killed_for_memory(plan):
    memory_group(plan.root, UNIT_GROUP, 32, 9, kills=3)


@fault
def memory_used_up(plan):
    memory_group(plan.root, UNIT_GROUP, 32, 31)


@fault
def hot(plan):
    write(plan.root, "sys/class/thermal/thermal_zone0/temp", "85000\n")


@fault
def weak_supply(plan):
    write(plan.root, "sys/devices/platform/soc/soc:firmware/get_throttled", "0x1\n")


@fault
def throttled_since_boot(plan):
    write(plan.root, "sys/devices/platform/soc/soc:firmware/get_throttled", "0x40000\n")


@fault
def file_system_errors(plan):
    write(plan.root, "sys/fs/ext4/mmcblk0p2/errors_count", "3\n")


@fault
def worn_card(plan):
    write(plan.root, "sys/block/mmcblk0/device/pre_eol_info", "0x03\n")


@fault
def no_ntp(plan):
    os.remove(os.path.join(plan.root, "run/systemd/timesync/synchronized"))


@fault
def empty_clock_battery(plan):
    write(plan.root, "sys/class/rtc/rtc0/name", "rtc-ds1307\n")
    write(plan.root, "sys/class/rtc/rtc0/since_epoch", "946684800\n")


@fault
def service_failed(plan):
    systemctl(plan.root, ActiveState="failed", SubState="failed", Result="exit-code", ExecMainStatus="3")


@fault
def service_stopped(plan):
    systemctl(plan.root, ActiveState="inactive", SubState="dead")


@fault
def service_not_enabled(plan):
    systemctl(plan.root, UnitFileState="disabled")


@fault
def restart_storm(plan):
    systemctl(plan.root, NRestarts="40")


# --- the network

@fault
def cable_out(plan):
    device(plan.root, "eth0", "down", carrier=0)


@fault
def no_address(plan):
    write(plan.root, "proc/net/fib_trie", NO_TRIE)


@fault
def address_without_server(plan):
    write(plan.root, "proc/net/fib_trie", TRIE.format(net="169.254.7"))


@fault
def no_gateway(plan):
    write(plan.root, "proc/net/route", "".join(ROUTE.splitlines(True)[::2]))


@fault
def silent_central(plan):
    """Takes the connection and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    plan.say(central=f"http://127.0.0.1:{listener.getsockname()[1]}")
    plan.keep(listener)


@fault
def broken_central(plan):
    """A proxy that has lost its central."""
    script = ("import http.server\n"
              "class Proxy(http.server.BaseHTTPRequestHandler):\n"
              "    def do_GET(self): self.send_error(502)\n"
              "    do_POST = do_GET\n"
              "    def log_message(self, *_): pass\n"
              "server = http.server.HTTPServer(('127.0.0.1', 0), Proxy)\n"
              "print(server.server_port, flush=True)\nserver.serve_forever()\n")
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    plan.keep(process)
    plan.say(central=f"http://127.0.0.1:{int(process.stdout.readline())}")


# --- the certificate

def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_identity(plan, device_days=365, authority_days=3650, foreign_key=False):
    """identity.pem, as `enroll` writes it, of an authority of its own."""
    at = plan.state
    os.makedirs(at, exist_ok=True)
    curve = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-newkey", *curve, "-keyout", f"{at}/ca.key", "-out", f"{at}/ca.csr", "-subj", "/CN=bar")
    openssl("x509", "-req", "-in", f"{at}/ca.csr", "-signkey", f"{at}/ca.key", "-days", str(authority_days),
            "-out", f"{at}/ca.pem")
    openssl("req", "-newkey", *curve, "-keyout", f"{at}/device.key", "-out", f"{at}/device.csr", "-subj", "/CN=bar-1")
    openssl("x509", "-req", "-in", f"{at}/device.csr", "-CA", f"{at}/ca.pem", "-CAkey", f"{at}/ca.key",
            "-CAcreateserial", "-days", str(device_days), "-out", f"{at}/device.pem")
    text = "central https://central.example:8443\n"
    for part in ("ca.key" if foreign_key else "device.key", "device.pem", "ca.pem"):
        with open(f"{at}/{part}", encoding="utf-8") as file:
            text += file.read()
    write(at, "identity.pem", text, 0o600)


@fault
def not_enrolled(plan):
    plan.say(central="https://127.0.0.1:9")


@fault
def key_of_another(plan):
    make_identity(plan, foreign_key=True)


@fault
def half_an_identity(plan):
    make_identity(plan)
    path = os.path.join(plan.state, "identity.pem")
    os.truncate(path, os.path.getsize(path) // 4)


@fault
def readable_key(plan):
    make_identity(plan)
    os.chmod(os.path.join(plan.state, "identity.pem"), 0o644)


@fault
def certificate_over(plan):
    make_identity(plan, device_days=-1)


@fault
def authority_over(plan):
    make_identity(plan, authority_days=-1)


@fault
def authority_ends_soon(plan):
    make_identity(plan, authority_days=10)


@fault
def healthy_identity(plan):
    """No fault: what the others are compared with."""
    make_identity(plan)


# --- what doesn't answer

@fault
def sensor_that_hangs(plan):
    path = os.path.join(plan.root, "sys/class/thermal/thermal_zone0/temp")
    if os.path.exists(path):
        os.remove(path)
    os.mkfifo(path)


@fault
def clock_that_hangs(plan):
    directory = os.path.join(plan.root, "sys/class/rtc/rtc0")
    os.makedirs(directory, exist_ok=True)
    write(plan.root, "sys/class/rtc/rtc0/name", "rtc-ds1307\n")
    os.mkfifo(os.path.join(directory, "since_epoch"))


@fault
def systemctl_that_hangs(plan):
    write(plan.root, "usr/bin/systemctl", "#!/bin/sh\nexec sleep 60\n", 0o755)
