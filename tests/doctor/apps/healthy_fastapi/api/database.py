import os
import time

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
make_session = sessionmaker(engine)


def warm_up() -> None:
    time.sleep(0.1)
    engine.connect().close()


def get_session():
    session = make_session()
    try:
        yield session
    finally:
        session.close()
