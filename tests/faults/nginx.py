"""nginx in front of several web tasks, as docs/deploy/releases.md sets it up, with a list that may change."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import requests

from app.cli.dev.ports import free_port
from app.cli.dev.process import Process, program
from tests.live import eventually

# Bodies pass unbuffered, so a request that has been sent is never sent again; what has no body may be.
CONF = """
daemon off;
pid {directory}/nginx.pid;
error_log stderr warn;
worker_processes 1;
worker_shutdown_timeout 60s;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream portal {{
        {servers}
        keepalive 32;
        keepalive_timeout 60s;  # less than DIAGPORT_KEEPALIVE
    }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 0;
        location = /-/generation {{ return 200 "{generation}"; }}
        location / {{
            proxy_pass http://portal;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_request_buffering off;
            proxy_connect_timeout 5s;
            proxy_read_timeout 300s;
            proxy_send_timeout 300s;
            proxy_next_upstream error timeout;
            proxy_next_upstream_tries 3;
        }}
    }}
}}
"""


class Nginx:
    """Listens at ``url``; passes on to the ports it was last pointed at."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._directory = directory
        self._conf = directory / "nginx.conf"
        self._generation = 0
        self.process = Process(
            "nginx",
            [program("nginx"), "-p", directory, "-c", self._conf],
            directory / "nginx.log",
            ready=self._is_current,
        )

    def point_at(self, ports: Iterable[int]) -> None:
        """Pass on to these from now on, and to no others what is new; what is under way goes on."""
        self._generation += 1
        # A task that refuses a connection is left alone for a while; one is tried whatever happened.
        servers = "\n".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;" for port in ports)
        self._conf.write_text(
            CONF.format(
                directory=self._directory,
                user="user root;" if os.geteuid() == 0 else "",  # the directory is nobody else's
                servers=servers,
                port=self.port,
                generation=self._generation,
            )
        )
        if not self.process.running:
            self.process.start()
            self.process.wait_ready()
            return
        os.kill(self.process.pid, signal.SIGHUP)
        eventually(self._is_current, "nginx has read its list", 20)

    def _is_current(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/generation", timeout=5).text == str(self._generation)
        except requests.ConnectionError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
