"""Talks to MariaDB with PyMySQL, in parts, and prints what it asked as operation, target, status.

mysql_client.py PORT FOLDER PART
"""

import collections
import json
import pathlib
import sys

import pymysql
from pymysql.constants import CLIENT

PORT, FOLDER = int(sys.argv[1]), pathlib.Path(sys.argv[2])
ROWS = 150
asked = collections.Counter()


def connect(**options):
    """A connection as the application's user."""
    given = {"host": "127.0.0.1", "port": PORT, "user": "app", "password": "secret",
             "database": "shop", "local_infile": True, "client_flag": CLIENT.MULTI_STATEMENTS}
    return pymysql.connect(**(given | options))


def ask(cursor, name, text, values=None):
    """Runs a text to the end of its last result."""
    status = "OK"
    try:
        cursor.execute(text, values)
        while cursor.nextset():
            pass
    except pymysql.err.MySQLError as error:
        status = str(error.args[0])
    asked[f"{name} {status}"] += 1


def text(cursor):
    """Queries, as an application asks them."""
    ask(cursor, "CREATE TABLE items", "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(40))")
    for number in range(ROWS):
        values = (number, f"item '{number}'")
        ask(cursor, "INSERT items", "INSERT INTO items VALUES (%s, %s)", values)
        ask(cursor, "SELECT items", "SELECT name FROM items WHERE id = %s", number)
    ask(cursor, "SELECT items, shop.items",
        "SELECT * FROM items a JOIN `shop`.`items` b USING (id)")
    ask(cursor, "UPDATE items", "UPDATE items SET name = 'secret' WHERE id < 10 # a comment")
    ask(cursor, "DELETE items", "DELETE FROM items WHERE id > 100")
    cursor.connection.commit()
    asked["COMMIT  OK"] += 1
    cursor.connection.ping()
    asked["PING  OK"] += 1


def errors(cursor):
    """What a server refuses."""
    ask(cursor, "CREATE TABLE once", "CREATE TABLE once (id INT PRIMARY KEY)")
    for _ in range(5):
        ask(cursor, "INSERT once", "INSERT INTO once VALUES (1)")
        ask(cursor, "_other ", "no such verb")
        ask(cursor, "SELECT nowhere", "SELECT * FROM nowhere")
        try:
            cursor.connection.select_db("nowhere")
        except pymysql.err.MySQLError as error:
            asked[f"INIT_DB nowhere {error.args[0]}"] += 1
        try:
            connect(password="wrong")
        except pymysql.err.MySQLError as error:
            asked[f"Login shop {error.args[0]}"] += 1


def several(cursor):
    """Several statements, and procedures with several results."""
    ask(cursor, "CREATE TABLE parts", "CREATE TABLE parts (id INT)")
    ask(cursor, "CREATE PROCEDURE report",
        "CREATE PROCEDURE report() BEGIN SELECT 1; SELECT * FROM parts; SELECT 3; END")
    for number in range(20):
        ask(cursor, "BATCH parts", f"INSERT INTO parts VALUES ({number}); SELECT * FROM parts")
        ask(cursor, "CALL report", "CALL report()")
        ask(cursor, "SELECT nowhere", "SELECT 1; SELECT * FROM nowhere; SELECT 2")


def load(cursor):
    """Files that the client sends when it is asked."""
    path = FOLDER / "rows.csv"
    path.write_text("".join(f"{number},row number {number}\n" for number in range(60_000)))
    ask(cursor, "CREATE TABLE loaded", "CREATE TABLE loaded (id INT, name VARCHAR(40))")
    for _ in range(3):
        ask(cursor, "LOAD loaded",
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE loaded FIELDS TERMINATED BY ','")
    ask(cursor, "SELECT loaded", "SELECT COUNT(*) FROM loaded")


def large(cursor):
    """Many rows, long rows, a row and a query of more than one packet."""
    for _ in range(5):
        ask(cursor, "SELECT seq_1_to_{id}", "SELECT seq, 'some more' FROM seq_1_to_100000")
        ask(cursor, "SELECT seq_1_to_20", "SELECT REPEAT('long', 100000) FROM seq_1_to_20")
    ask(cursor, "SELECT ", "SELECT REPEAT('long', 5000000)")
    ask(cursor, "SELECT ", f"SELECT LENGTH('{'x' * 17_000_000}')")
    ask(cursor, "SELECT ", "SELECT 1")


if __name__ == "__main__":
    with connect() as connection:
        globals()[sys.argv[3]](connection.cursor())
    print(json.dumps(asked))
