"""Who took a job and who ended it, as the database itself saw it."""

from __future__ import annotations

import psycopg

_INSTALL = """
CREATE TABLE faults_witness (
    job bigint, attempt int, process text, before text, after text
);
CREATE FUNCTION faults_witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO faults_witness VALUES (NEW.id, NEW.attempt,
        current_setting('application_name'), OLD.state, NEW.state);
    RETURN NEW;
END $$;
CREATE TRIGGER faults_witness AFTER UPDATE ON workspaces_job FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR OLD.attempt <> NEW.attempt)
    EXECUTE FUNCTION faults_witness();
"""
_LATE = """
SELECT count(*) FROM faults_witness ended
JOIN faults_witness taken USING (job, attempt)
WHERE taken.after = 'started' AND ended.after = 'completed'
AND taken.process <> ended.process
"""


def install(database: psycopg.Connection) -> None:
    """Write down from now on what happens to jobs, with the process that did it."""
    database.execute(_INSTALL)


def taken_over(database: psycopg.Connection, held: dict[int, int]) -> int:
    """Count of those jobs, with their attempts, what belongs to another by now."""
    rows = database.execute(
        "SELECT id, attempt FROM workspaces_job WHERE id = ANY(%s)", [list(held)]
    )
    return sum(attempt > held[job] for job, attempt in rows)


def late_ends(database: psycopg.Connection) -> int:
    """Count the jobs that one process took and another ended."""
    (count,) = database.execute(_LATE).fetchone()
    return count
