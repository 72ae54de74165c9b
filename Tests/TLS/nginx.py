"""nginx with TLS before a plain server, one worker: a real engine's door for the scenarios, a measure for the costs."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """
worker_processes 1;
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 20000;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    upstream behind {{ server 127.0.0.1:{behind}; keepalive 4096; keepalive_requests 1000000000; }}
    server {{
        listen {host}:{port} ssl backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache none;
        {more}
        location / {{
            proxy_pass {scheme}://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 3600s;
        }}
    }}
}}
"""


class Nginx:
    """Serves `pair` over TLS and passes everything on to the port `behind`; ends with `close`."""

    def __init__(self, pair, behind, port, host="127.0.0.1", more="", scheme="http"):
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        assert program, "nginx is missing: scripts/install-dependencies.sh test installs it"
        self.port, self.host = port, host
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="scnginx"))
        user = "user root;" if os.geteuid() == 0 else ""
        path = self.folder / "nginx.conf"
        path.write_text(CONFIGURATION.format(folder=self.folder, user=user, behind=behind, host=host, port=port,
                                             certificate=pair[0], key=pair[1], more=more,
                                             scheme=scheme))
        # A process group of its own: no other test ever has to look for it.
        command = [program, "-p", self.folder, "-c", path, "-e", self.folder / "error.log"]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((host, port), timeout=1).close()
                break
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.errors()
                time.sleep(0.02)

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def errors(self):
        path = self.folder / "error.log"
        return path.read_text() if path.exists() else ""

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
