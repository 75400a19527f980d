"""What /proc, /sys and the rest look like on healthy machines of three kinds."""

import os
import time

ROUTE = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.1
              /32 host LOCAL
     +-- {net}.0/24 2 0 2
           |-- {net}.17
              /32 host LOCAL
        |-- {net}.255
           /32 link BROADCAST
"""
NO_TRIE = TRIE.split("     +-- {net}")[0]
ROUTE6 = ("00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
          "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n")
NO_ROUTE6 = ("00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
             "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n")
ADDRESS6 = "20010db8000000000000000000000017 02 40 00 80     eth0\n"
# As systemd 252 prints it.
UNIT = {"Type": "notify", "NRestarts": "0", "Result": "success", "ExecMainStatus": "0", "LoadState": "loaded",
        "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}
UNIT_GROUP = "sys/fs/cgroup/system.slice/tapline-agent.service"


def write(root, path, text, mode=0o644):
    file = os.path.join(root, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(file, mode)


def systemctl(root, **changed):
    lines = "\n".join(f"{key}={value}" for key, value in {**UNIT, **changed}.items())
    os.makedirs(os.path.join(root, "run/systemd/system"), exist_ok=True)
    # Who asks for something else than `show` of that unit gets nothing.
    write(root, "usr/bin/systemctl",
          '#!/bin/sh\n[ "$1" = show ] || exit 1\nfor unit; do :; done\n'
          f'[ "$unit" = tapline-agent.service ] || exit 1\ncat <<END\n{lines}\nEND\n', 0o755)


def device(root, name, state, kind=1, carrier=1):
    write(root, f"sys/class/net/{name}/operstate", f"{state}\n")
    write(root, f"sys/class/net/{name}/type", f"{kind}\n")
    write(root, f"sys/class/net/{name}/carrier", f"{carrier}\n")


def memory_group(root, group, limit_mib, used_mib, kills=0):
    write(root, f"{group}/memory.max", f"{limit_mib << 20}\n" if limit_mib else "max\n")
    write(root, f"{group}/memory.stat", f"anon {used_mib << 20}\nfile 4096\n")
    write(root, f"{group}/memory.events", f"low 0\nhigh 0\nmax 0\noom {kills}\noom_kill {kills}\n")


def bare(root):
    """A Raspberry Pi 4: no clock module, an eMMC, wired."""
    write(root, "proc/meminfo", "MemTotal: 900000 kB\nMemFree: 20000 kB\nMemAvailable: 500000 kB\n")
    memory_group(root, UNIT_GROUP, 32, 9)
    write(root, "sys/class/thermal/thermal_zone0/temp", "52000\n")
    write(root, "sys/devices/platform/soc/soc:firmware/get_throttled", "0x0\n")
    write(root, "sys/fs/ext4/mmcblk0p2/errors_count", "0\n")
    write(root, "sys/block/mmcblk0/device/pre_eol_info", "0x01\n")
    write(root, "run/systemd/timesync/synchronized", "")
    systemctl(root)
    device(root, "lo", "unknown", 772)
    device(root, "eth0", "up")
    device(root, "wlan0", "down", carrier=0)
    write(root, "proc/net/fib_trie", TRIE.format(net="192.168.0"))
    write(root, "proc/net/route", ROUTE)
    write(root, "proc/net/ipv6_route", NO_ROUTE6)
    write(root, "proc/net/if_inet6", "")
    os.makedirs(os.path.join(root, "home/pi"), exist_ok=True)


def container(root):
    """A booted one: systemd, a veth, a limit of its own; the clock is the host's business."""
    write(root, "proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 3000000 kB\n")
    memory_group(root, "sys/fs/cgroup", 256, 40)
    memory_group(root, UNIT_GROUP, None, 9)
    write(root, "sys/fs/ext4/sda1/errors_count", "0\n")
    systemctl(root, UnitFileState="enabled-runtime")
    device(root, "lo", "unknown", 772)
    device(root, "host0", "up")
    write(root, "proc/net/fib_trie", TRIE.format(net="10.88.0"))
    write(root, "proc/net/route", ROUTE.replace("eth0", "host0"))


def emulated(root):
    """A board in an emulator: a clock module, IPv6 only, no systemd, no sensors."""
    write(root, "proc/meminfo", "MemTotal: 500000 kB\nMemAvailable: 300000 kB\n")
    write(root, "sys/class/rtc/rtc0/name", "rtc-pl031 9010000.pl031\n")
    write(root, "sys/class/rtc/rtc0/since_epoch", f"{int(time.time())}\n")
    device(root, "lo", "unknown", 772)
    device(root, "eth0", "unknown")
    write(root, "proc/net/fib_trie", NO_TRIE)
    write(root, "proc/net/route", ROUTE.splitlines()[0] + "\n")
    write(root, "proc/net/ipv6_route", NO_ROUTE6 + ROUTE6)
    write(root, "proc/net/if_inet6", ADDRESS6)


TREES = {"bare": bare, "container": container, "emulated": emulated}
