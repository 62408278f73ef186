"""compare.py HIVE OURS FILE...: puts the statements of files to two HiveServer2 services, at HOST:PORT each, and prints what differs.

Statements end in ';' at the end of a line. Each file runs in a database of its own. The rows of a statement without ORDER BY are
compared in any order, and of queries the names and types of the columns. Of errors the code is compared, not the words.
"""
import re
import sys

from pyhive import exc, hive


def statements(text):
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [s.strip() for s in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines)) if s.strip()]


def answer(cursor, statement):
    """The rows of a statement as lines, or its error as one."""
    try:
        cursor.execute(statement)
        if cursor.description is None:
            return []
        rows = ["\t".join("NULL" if v is None else str(v) for v in row) for row in cursor.fetchall()]
        if re.match(r"(?i)select|with", statement):
            rows.insert(0, "columns " + ", ".join(f"{c[0]} {c[1]}" for c in cursor.description))
        return rows
    except exc.ProgrammingError:  # no rows to fetch
        return []
    except exc.OperationalError as e:
        status = getattr(e.args[0], "status", None)
        return [f"error {status.errorCode} {status.sqlState}" if status else f"error {e}"]


def ask(address, file, database):
    host, port = address.rsplit(":", 1)
    connection = hive.connect(host=host, port=int(port), username="ann", auth="NONE")
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE {database}")
    cursor.execute(f"USE {database}")
    with open(file, encoding="utf-8") as f:
        answers = [(s, answer(cursor, s)) for s in statements(f.read())]
    cursor.execute("USE default")
    cursor.execute(f"DROP DATABASE {database} CASCADE")
    connection.close()
    return answers


def main(theirs, ours, *files):
    different = 0
    for n, file in enumerate(files):
        database = f"compared{n}"
        for (statement, want), (_, got) in zip(ask(theirs, file, database), ask(ours, file, database)):
            if not re.search(r"(?is)^\s*(show|desc)|\border\s+by\b", statement):
                want, got = sorted(want), sorted(got)
            if want != got:
                different += 1
                print(f"{file}: {statement}", *("  hive  " + r for r in want), *("  ours  " + r for r in got), sep="\n")
    if different:
        sys.exit(f"hive4: {different} statements have different answers")


main(*sys.argv[1:])
