"""The one connection to the database, where what it promises is seen nowhere else."""

import pytest
from sqlalchemy import select

from forum.database import Database


def test_what_is_in_use_at_the_end_is_closed_when_it_is_given_back(database: Database) -> None:
    """A step that runs in a thread may outlive the server's close by a moment."""
    with database.reading() as session:
        driver = session.connection().connection.driver_connection
        database.close()
        assert session.scalar(select(1)) == 1

    assert driver is not None
    with pytest.raises(Exception, match="closed"):
        driver.execute("SELECT 1")
