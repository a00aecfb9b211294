import contextlib
import os

import pyodbc
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

engine = create_engine(os.environ["SQL"])


@contextlib.contextmanager
def opened():
    connection = pyodbc.connect(os.environ["ODBC"])  # fault: blocking-call
    try:
        yield connection
    finally:
        connection.close()


async def stock_of(item: str) -> int:
    with opened() as connection:
        connection.execute("update stock set seen = 1 where item = ?", item)  # fault: blocking-call
    with Session(engine) as session:
        return session.scalar(item)  # fault: blocking-call
