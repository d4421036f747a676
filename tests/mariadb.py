"""MariaDB as it comes from the distribution, in a sandbox: for live tests and benchmarks."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from sandbox import program

PORT = 13306
# Its own tables, made once: that takes longer than a test.
MADE = pathlib.Path("/tmp/redsight-mariadb")
SMALL = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M",
         "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0")
USER = """
CREATE DATABASE shop;
CREATE USER app@'%' IDENTIFIED BY 'secret';
GRANT ALL ON *.* TO app@'%';
"""


def start(sandbox, *options, port=PORT, tables=""):
    """Starts it in a fresh folder, as its own user, with a user `app` and a database `shop`."""
    server_program = program("mariadbd")
    folder = sandbox.folder / "mariadb"
    shutil.copytree(_made(), folder / "data")
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "mysql", "mysql")
    server = sandbox.start(
        "mariadb", server_program, "--no-defaults", "--user=mysql", f"--datadir={folder}/data",
        f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/socket",
        "--max-allowed-packet=64M", "--local-infile=1", *SMALL, *options,
    )
    sandbox.wait_for_port(port, server)
    client = (program("mariadb"), "--no-defaults", "-u", "root", "-S", folder / "socket")
    sandbox.run(*client, "-e", USER)
    if tables:
        sandbox.run(*client, "shop", "-e", tables)
    return server


def sysbench(script, *options, port=PORT, **given):
    """A sysbench command on the database: `script`, options, and the action last."""
    common = ["--mysql-host=127.0.0.1", f"--mysql-port={port}", "--mysql-user=app",
              "--mysql-password=secret", "--mysql-db=shop", "--mysql-ssl=off", "--tables=1",
              "--table-size=1000"]
    given = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    return [program("sysbench"), script, *common, *given, *options]


def _made():
    if not MADE.exists():
        install = program("mariadb-install-db")
        with tempfile.TemporaryDirectory(dir=MADE.parent) as folder:
            data = pathlib.Path(folder) / "data"
            data.mkdir()
            pathlib.Path(folder).chmod(0o755)
            shutil.chown(data, "mysql", "mysql")
            subprocess.run(
                [install, "--no-defaults", "--user=mysql", f"--datadir={data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db", *SMALL],
                check=True, capture_output=True,
            )
            # Another run may have been faster.
            with contextlib.suppress(OSError):
                os.rename(data, MADE)
    return MADE
