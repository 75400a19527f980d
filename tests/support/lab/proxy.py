"""A TCP door to PostgreSQL's Unix socket that can lose the answer of a COMMIT."""

import itertools
import select
import socket
import threading


class CommitCutter:
    """Forwards bytes. While armed, a connection that sends COMMIT is cut: every other time after the
    server has committed but before its answer gets through, and every other time before the COMMIT
    reaches the server. libpq says the same to its caller both times: connection lost."""

    def __init__(self, socket_file):
        self.socket_file = socket_file
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.armed = threading.Semaphore(0)
        self.committed_cuts = 0
        self.uncommitted_cuts = 0
        self._turn = itertools.count()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next_commit(self):
        self.armed.release()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.socket_file)
            while True:
                ready, _, _ = select.select([client, server], [], [], 60)
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is client and b"COMMIT\0" in data and self.armed.acquire(blocking=False):
                        self._cut(server, data)
                        return
                    (server if source is client else client).sendall(data)
        except OSError:
            return
        finally:
            client.close()
            server.close()

    def _cut(self, server, data):
        with self._lock:
            committed = next(self._turn) % 2 == 0
            if committed:
                self.committed_cuts += 1
            else:
                self.uncommitted_cuts += 1
        if committed:
            server.sendall(data)
            server.settimeout(10)
            server.recv(65536)  # CommandComplete: it is durable, and nobody will be told
