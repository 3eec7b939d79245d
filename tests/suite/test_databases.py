"""Tests get a database of their own on each engine, quickly, from one server."""

import socket
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.support.ports import free_port
from tests.support.postgres import PostgresServer, ensure_server
from tests.support.shelf import Shelf


def test_a_test_that_asks_for_a_database_address_runs_on_both(
    database_url: str | None, request: pytest.FixtureRequest
) -> None:
    on_postgres = request.node.get_closest_marker("postgres") is not None
    assert (database_url is not None) == on_postgres
    if database_url is not None:
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == (database_url.rpartition("/")[2],)


@pytest.mark.postgres
def test_each_test_has_a_database_of_its_own(postgres_server: PostgresServer) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    with psycopg.connect(postgres_server.url(first)) as connection:
        connection.execute("CREATE TABLE here (id int)")
    with psycopg.connect(postgres_server.url(second)) as connection:
        assert connection.execute("SELECT to_regclass('here')").fetchone() == (None,)
    for name in (first, second):
        postgres_server.drop_database(name)


@pytest.mark.postgres
def test_a_template_is_built_once_and_copied(postgres_server: PostgresServer) -> None:
    built: list[str] = []

    def build(url: str) -> None:
        built.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE plans AS SELECT 'free' AS name")

    template = f"template_{uuid4().hex}"
    for _ in range(2):
        assert postgres_server.ensure_template(template, build) == template
    copy = postgres_server.create_database(template)
    with psycopg.connect(postgres_server.url(copy)) as connection:
        assert connection.execute("SELECT name FROM plans").fetchone() == ("free",)
    assert built == [postgres_server.url(template)]
    for name in (copy, template):
        postgres_server.drop_database(name)


@pytest.mark.postgres
def test_a_template_whose_building_failed_is_built_again(postgres_server: PostgresServer) -> None:
    template = f"template_{uuid4().hex}"

    def fail(_url: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        postgres_server.ensure_template(template, fail)
    built: list[str] = []
    postgres_server.ensure_template(template, built.append)
    assert built == [postgres_server.url(template)]
    postgres_server.drop_database(template)


@pytest.mark.postgres
def test_every_worker_is_given_the_same_server(postgres_server: PostgresServer) -> None:
    assert ensure_server(postgres_server.home) == postgres_server


@pytest.mark.postgres
def test_vectors_are_available(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        assert connection.execute("SELECT '[1,2]'::vector <-> '[1,4]'::vector").fetchone() == (2.0,)


@pytest.fixture
def shelf(postgres_server: PostgresServer) -> Iterator[Shelf]:
    """A shelf of databases with a table that may only grow, whose rows another names."""

    def build(url: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE plans AS SELECT 'free' AS name")
            connection.execute("CREATE TABLE books (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, title text)")
            connection.execute("CREATE TABLE pages (book int REFERENCES books)")
            connection.execute(
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no$$; END'"
            )
            connection.execute("CREATE TRIGGER no BEFORE DELETE ON books EXECUTE FUNCTION no()")

    postgres_server.ensure_template("books", build)
    shelf = Shelf(postgres_server)
    yield shelf
    shelf.clear()


@pytest.mark.postgres
def test_a_database_that_is_used_again_is_empty_and_nobody_is_in_it(
    shelf: Shelf, postgres_server: PostgresServer
) -> None:
    lent = shelf.lend("books")
    left_open = psycopg.connect(postgres_server.url(lent.name))
    with psycopg.connect(postgres_server.url(lent.name)) as connection:
        connection.execute("INSERT INTO books (title) VALUES ('a'), ('b')")
        connection.execute("INSERT INTO pages VALUES (2)")
    left_open.execute("INSERT INTO books (title) VALUES ('never seen')")
    shelf.take_back(lent)
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    assert shelf.lend("books").name == lent.name
    with psycopg.connect(postgres_server.url(lent.name)) as connection:
        assert connection.execute("SELECT count(*) FROM pages").fetchone() == (0,)
        assert connection.execute("SELECT name FROM plans").fetchone() == ("free",)
        assert connection.execute("INSERT INTO books (title) VALUES ('c') RETURNING id").fetchone() == (1,)
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute("DELETE FROM books")
    shelf.take_back(lent)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE books ADD COLUMN author text",
        "ALTER TABLE books DISABLE TRIGGER no",
        "CREATE INDEX ON books (title)",
        "CREATE TABLE more (id int)",
        "DROP TABLE pages",
        "CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "UPDATE plans SET name = 'dear'",
        "INSERT INTO books (title) SELECT 'a' FROM generate_series(1, 200000)",
    ],
)
def test_a_database_in_which_more_than_rows_were_changed_is_not_used_again(
    shelf: Shelf, postgres_server: PostgresServer, change: str
) -> None:
    lent = shelf.lend("books")
    with psycopg.connect(postgres_server.url(lent.name)) as connection:
        connection.execute(change)
    shelf.take_back(lent)
    again = shelf.lend("books")
    assert again.name != lent.name
    shelf.take_back(again)


@pytest.mark.postgres
def test_a_database_that_something_came_back_to_is_not_used_again(
    shelf: Shelf, postgres_server: PostgresServer
) -> None:
    lent = shelf.lend("books")
    shelf.take_back(lent)
    with psycopg.connect(postgres_server.url(lent.name)):
        again = shelf.lend("books")
    assert again.name != lent.name
    shelf.take_back(again)


def test_a_free_port_can_be_bound() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[0] == "127.0.0.1"
