"""Who is told of alarms: a webhook and a mail server on ports of their own, which keep what they get."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import takewhile
from typing import Any


def listen(heard: list[dict[str, Any]]) -> HTTPServer:
    """A webhook that keeps the JSON that it gets; whoever starts it ends it."""

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    _serve(server)
    return server


@contextlib.contextmanager
def webhook(heard: list[dict[str, Any]]) -> Iterator[int]:
    """The port of a webhook (``listen``)."""
    with _ended(listen(heard)) as port:
        yield port


@contextlib.contextmanager
def mail_server(received: list[str]) -> Iterator[int]:
    """The port of a mail server that keeps the text of each mail, with its headers."""

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 test")
            while words := self.rfile.readline().decode().split():
                if words[0].upper() == "DATA":
                    self._say("354 go on")
                    lines = takewhile(lambda line: line != b".\r\n", self.rfile)
                    received.append(b"".join(lines).decode())
                self._say("221 bye" if words[0].upper() == "QUIT" else "250 well")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    server.daemon_threads = True
    _serve(server)
    with _ended(server) as port:
        yield port


@contextlib.contextmanager
def _ended(server: socketserver.TCPServer) -> Iterator[int]:
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def _serve(server: socketserver.TCPServer) -> None:
    run: Callable[[], None] = server.serve_forever
    threading.Thread(target=run, daemon=True).start()
