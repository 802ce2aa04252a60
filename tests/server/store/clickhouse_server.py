"""A real clickhouse-server of one's own: on loopback, with its own configuration, ports and folders."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx

BINARY = shutil.which("clickhouse-server")
USER, PASSWORD, READER = "parcimetre", "s3cret", "reader"
CONFIG = """<yandex>
<logger><level>error</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>{port}</http_port><tcp_port>{other}</tcp_port>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><users_config>{folder}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>67108864</mark_cache_size>
</yandex>"""
USERS = """<yandex><quotas><default/></quotas>
<profiles><default/><reading><readonly>2</readonly></reading></profiles><users>
<{user}><password>{password}</password><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></{user}>
<{reader}><password>{password}</password><networks><ip>127.0.0.1</ip></networks>
<profile>reading</profile><quota>default</quota></{reader}></users></yandex>"""


class ClickHouse:
    """One server; it may be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        """Write its configuration."""
        folder.mkdir(parents=True)
        self.port = free_port()
        self._config = folder / "config.xml"
        self._config.write_text(CONFIG.format(folder=folder, port=self.port, other=free_port()))
        users = USERS.format(user=USER, password=PASSWORD, reader=READER)
        (folder / "users.xml").write_text(users)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(
            [str(BINARY), f"--config-file={self._config}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=self._config.parent,
        )  # fmt: skip
        for _ in range(600):
            try:
                httpx.get(self.base)
            except httpx.HTTPError:
                assert self._process.poll() is None, "clickhouse-server ended at its start"
                time.sleep(0.1)
            else:
                return
        raise AssertionError("clickhouse-server does not answer")

    def stop(self, kill: bool = False) -> None:
        """End it, with or without notice."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(60)
            self._process = None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
