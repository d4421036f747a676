"""The shop that the demo observes: nginx, services in Python and Node, Redis, PostgreSQL, a load.

    shoppers ─▶ nginx :8080 ─┬─▶ catalog (Python) :8001 ─┬─▶ Redis :6379
                             │                           └─▶ prices (Python, gRPC) :8003
                             └─▶ orders  (Node)   :8002 ───▶ PostgreSQL :5432 ◀─ pgbench
"""

import pathlib
import shutil
import sys

from sandbox import as_postgres, postgresql, program, python_with

SERVICES = pathlib.Path(__file__).resolve().parent / "services"
FRONT, CATALOG, ORDERS, PRICES, REDIS, POSTGRESQL = 8080, 8001, 8002, 8003, 6379, 5432

TABLES = """
CREATE TABLE orders (id serial PRIMARY KEY, item int NOT NULL, quantity int CHECK (quantity > 0));
INSERT INTO orders (item, quantity) SELECT n % 50, 1 FROM generate_series(1, 100) n;
CREATE TABLE stock (item int PRIMARY KEY, quantity int NOT NULL);
INSERT INTO stock SELECT n, 100 FROM generate_series(0, 49) n;
"""

# The night shift: a second client of the database, in the simple protocol.
STOCKTAKING = """
\\set item random(0, 49)
SELECT quantity FROM stock WHERE item = :item;
UPDATE stock SET quantity = quantity + 1 WHERE item = :item;
"""


def open_shop(sandbox, seconds):
    """Starts everything; gives the process of the shoppers."""
    start_redis(sandbox)
    start_postgresql(sandbox)
    # The services are copied, so that what runs does not depend on who may read the checkout.
    services = shutil.copytree(SERVICES, sandbox.folder / "shop")
    python = python_with("grpc")
    prices = sandbox.start("prices", python, services / "prices.py", PRICES)
    catalog = sandbox.start("catalog", python, services / "catalog.py", CATALOG, REDIS, PRICES)
    node = program("node", "nodejs")
    orders = sandbox.start("orders", node, services / "orders.js", ORDERS, POSTGRESQL)
    sandbox.wait_for_port(PRICES, prices)
    sandbox.wait_for_port(CATALOG, catalog)
    sandbox.wait_for_port(ORDERS, orders)
    start_nginx(sandbox, services)
    script = sandbox.folder / "stocktaking.sql"
    script.write_text(STOCKTAKING)
    sandbox.start(
        "stocktaking", *as_postgres(postgresql("pgbench"), "-n", "-h", "127.0.0.1", "-p",
        POSTGRESQL, "-c", 2, "-R", 40, "-T", max(1, int(seconds)), "-f", script, "postgres"),
    )
    return sandbox.start("shoppers", sys.executable, services / "shoppers.py", FRONT, seconds)


def start_redis(sandbox):
    """Redis that keeps nothing on disk."""
    redis = sandbox.start(
        "redis", program("redis-server"), "--bind", "127.0.0.1", "--port", REDIS,
        "--save", "", "--appendonly", "no", "--dir", sandbox.folder,
    )
    sandbox.wait_for_port(REDIS, redis)


def start_postgresql(sandbox, port=POSTGRESQL, tables=TABLES):
    """PostgreSQL in a fresh folder, as its own user, fast rather than safe."""
    folder = sandbox.folder / "postgresql"
    folder.mkdir()
    shutil.chown(folder, "postgres", "postgres")
    init = ("-D", folder / "data", "-A", "trust", "-U", "postgres", "--no-sync")
    sandbox.run(*as_postgres(postgresql("initdb"), *init))
    server = sandbox.start(
        "postgresql", *as_postgres(postgresql("postgres"), "-D", folder / "data", "-p", port,
        "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}",
        "-c", "fsync=off", "-c", "log_min_messages=fatal",
        "-c", "log_min_error_statement=panic"),
    )
    sandbox.wait_for_port(port, server)
    psql = (postgresql("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-h", folder, "-p", port)
    sandbox.run(*as_postgres(*psql, "-d", "postgres", "-c", tables))
    return server


def start_nginx(sandbox, services):
    """The proxy in front of both services."""
    places = {"PORT": FRONT, "CATALOG": CATALOG, "ORDERS": ORDERS, "FOLDER": sandbox.folder}
    text = (services / "nginx.conf").read_text()
    for name, value in places.items():
        text = text.replace(f"@{name}@", str(value))
    config = sandbox.folder / "nginx.conf"
    config.write_text(text)
    nginx = sandbox.start("nginx", program("nginx"), "-p", sandbox.folder, "-c", config)
    sandbox.wait_for_port(FRONT, nginx)
