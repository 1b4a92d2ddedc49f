"""Databases of our own on the Postgres in PORTCULLIS_E2E_POSTGRES_URL.

Run as `database.py create NAME` (prints the URL) or `database.py drop NAME`; the tests import it.
"""

import os
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def create(name: str) -> str:
    """Makes an empty database and returns its URL."""
    server = os.environ["PORTCULLIS_E2E_POSTGRES_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def drop(name: str) -> None:
    """Removes a database and whoever is still connected to it."""
    server = os.environ["PORTCULLIS_E2E_POSTGRES_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


if __name__ == "__main__":
    verb, name = sys.argv[1:]
    if verb == "create":
        print(create(name))
    elif verb == "drop":
        drop(name)
    else:
        sys.exit(f"there is no `{verb}`: create or drop")
