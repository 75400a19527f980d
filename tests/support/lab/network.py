"""Two machines that only a cable joins: network namespaces of our own, central's and the devices'."""

import os
import subprocess
import tempfile


def possible():
    """Only root makes namespaces, and not in every container."""
    if os.geteuid() != 0:
        return False
    name = f"tapline-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return made.returncode == 0


class Network:
    """`with Network() as network:`; nothing of it is left afterwards. Neither side sees the host's own
    network, nor the host theirs."""

    def __init__(self):
        self.central = f"tapline-c-{os.getpid()}"
        self.device = f"tapline-d-{os.getpid()}"
        self.central_address = "10.203.7.1"

    def __enter__(self):
        try:
            for name in (self.central, self.device):
                self.ip("netns", "add", name)
                self.ip("-n", name, "link", "set", "lo", "up")
            self.ip("-n", self.central, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
                    "netns", self.device)
            for name, address in ((self.central, self.central_address), (self.device, "10.203.7.2")):
                self.ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
                self.ip("-n", name, "link", "set", "eth0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in (self.central, self.device):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

    def at(self, name):
        """What stands before a command that runs there; the process keeps its pid."""
        return ["ip", "netns", "exec", name]

    def pull_the_cable(self):
        self.ip("-n", self.device, "link", "set", "eth0", "down")

    def plug_it_in(self):
        self.ip("-n", self.device, "link", "set", "eth0", "up")

    def curl(self, url, *, ca, method="GET", body=None, headers=None, identity=None, timeout_s=10):
        """(status, text), asked from the device's side; status 0 when nobody answers."""
        command = [*self.at(self.device), "curl", "-sS", "--max-time", str(timeout_s), "--noproxy", "*",
                   "--cacert", ca, "-X", method, "-w", "\n%{http_code}", url]
        for name, value in (headers or {}).items():
            command += ["-H", f"{name}: {value}"]
        if identity:
            command += ["--cert", identity, "--key", identity]
        if body is None:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        else:
            with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
                file.write(body)
                file.flush()
                command += ["--data-binary", f"@{file.name}"]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
        text, _, status = done.stdout.rpartition("\n")
        return (int(status), text) if done.returncode == 0 else (0, done.stderr)
