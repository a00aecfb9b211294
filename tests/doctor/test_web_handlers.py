"""Handlers of FastAPI, Starlette, Flask and Django, and the event loop that each runs on."""

import textwrap
from pathlib import Path

import pytest

from functune.doctor.finding import Finding
from functune.doctor.reading.app_service import AppServiceOptions
from functune.doctor.reading.inspected import inspect_app
from functune.doctor.registry import RULES

FASTAPI = "import time\nfrom fastapi import FastAPI\napp = FastAPI()\n"
FLASK = "import asyncio, time, httpx, requests\nfrom flask import Flask, Blueprint\napp = Flask('shop')\n"


def found_in_web_app(folder: Path, source: str, *rules: str, more: dict[str, str] | None = None) -> list[Finding]:
    """What some rules find in the web app ``app`` of web.py."""
    for name, text in {"web.py": source, **(more or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    options = AppServiceOptions(startup_file="gunicorn web:app")
    app = inspect_app(folder, plan="app-service", options=options)
    return [finding for name in rules for finding in RULES[name].findings(app)]


RUN_ON_THE_LOOP = {
    "route without a path, below a prefix": "@app.get('')\nasync def handler():\n    time.sleep(1)",
    "path of a constant": "PATH = '/x'\n@app.get(PATH)\nasync def handler():\n    time.sleep(1)",
    "background task": (
        "async def audit():\n    time.sleep(1)\n\n"
        "@app.get('/')\nasync def handler(tasks: BackgroundTasks):\n    tasks.add_task(audit)"
    ),
    "middleware as a class": (
        "from starlette.middleware.base import BaseHTTPMiddleware\n"
        "class Timing(BaseHTTPMiddleware):\n    async def dispatch(self, request, call_next):\n        time.sleep(1)"
    ),
    "query of an ORM session": (
        "from sqlalchemy.orm import Session\n"
        "@app.get('/')\nasync def handler(db: Session = Depends(make)):\n    db.query(Item).filter(Item.id > 1).all()"
    ),
    "query of a session from a factory": (
        "from sqlalchemy.orm import sessionmaker\nSessionLocal = sessionmaker()\n"
        "@app.get('/')\nasync def handler():\n    db = SessionLocal()\n    db.query(Item).first()"
    ),
    "session of SQLModel": (
        "from sqlmodel import Session\n@app.get('/')\nasync def handler():\n    with Session(engine) as s:\n"
        "        s.exec(statement)"
    ),
    "map of a thread pool": (
        "from concurrent.futures import ThreadPoolExecutor\n@app.get('/')\nasync def handler():\n"
        "    with ThreadPoolExecutor() as pool:\n        return list(pool.map(load, urls))"
    ),
}


@pytest.mark.parametrize("source", RUN_ON_THE_LOOP.values(), ids=RUN_ON_THE_LOOP)
def test_blocking_call_of_an_asgi_app_is_found(tmp_path: Path, source: str) -> None:
    (found,) = found_in_web_app(tmp_path, FASTAPI + source, "blocking-call")
    line = (FASTAPI + source).splitlines()[(found.line or 0) - 1]
    assert any(word in line for word in ("time.sleep", ".all()", ".first()", ".exec(", "pool.map("))


DO_NOT_SHARE_A_LOOP = {
    "app of flask": "@app.get('/x')\nasync def handler():\n    time.sleep(1)",
    "route of flask": "@app.route('/x')\nasync def handler():\n    time.sleep(1)",
    "blueprint of flask": "shop = Blueprint('s', 's')\n@shop.get('/x')\nasync def handler():\n    time.sleep(1)",
    "factory": (
        "def create_app():\n    app = Flask('x')\n    @app.get('/x')\n    async def handler():\n        time.sleep(1)\n"
        "    return app"
    ),
    "class of the app": (
        "class Shop(Flask):\n    pass\nshop = Shop('s')\n@shop.get('/x')\nasync def handler():\n    time.sleep(1)"
    ),
    "class of the app above another": (
        "class Base(Flask):\n    pass\nclass Shop(Base):\n    pass\nshop = Shop('s')\n"
        "@shop.get('/x')\nasync def handler():\n    time.sleep(1)"
    ),
    "background task that is a def": (
        "def audit():\n    time.sleep(1)\n@app.get('/')\nasync def handler(tasks):\n    tasks.add_task(audit)"
    ),
}


@pytest.mark.parametrize("source", DO_NOT_SHARE_A_LOOP.values(), ids=DO_NOT_SHARE_A_LOOP)
def test_async_view_of_flask_blocks_nobody_else(tmp_path: Path, source: str) -> None:
    """Flask runs each ``async def`` on an event loop of its own, in the thread of the request."""
    assert found_in_web_app(tmp_path, FLASK + source, "blocking-call") == []


def test_class_that_is_its_own_base_is_read(tmp_path: Path) -> None:
    source = (
        "import time\nclass Shop(Shop):\n    pass\nshop = Shop()\n@shop.get('/x')\nasync def f():\n    time.sleep(1)\n"
    )
    assert len(found_in_web_app(tmp_path, source, "blocking-call")) == 1


def test_second_event_loop_is_an_error_on_any_loop(tmp_path: Path) -> None:
    source = FLASK + "@app.get('/x')\nasync def handler():\n    asyncio.run(load())\n"
    assert len(found_in_web_app(tmp_path, source, "loop-in-loop")) == 1


CLIENTS = {
    "async client on the loop of the worker": (FASTAPI, "async def", "httpx.AsyncClient()", 1),
    "async client on a loop of its own": (FLASK, "async def", "httpx.AsyncClient()", 0),
    "sync client on a loop of its own": (FLASK, "async def", "requests.Session()", 1),
    "sync client in a thread": (FLASK, "def", "requests.Session()", 1),
    "keys of tokens": (FASTAPI, "def", "jwt.PyJWKClient('u')", 1),
    "tokens of MSAL": (FASTAPI, "def", "msal.ConfidentialClientApplication('i')", 1),
}


@pytest.mark.parametrize(("top", "kind", "made", "count"), CLIENTS.values(), ids=CLIENTS)
def test_client_is_to_be_kept_where_the_next_call_can_use_it(
    tmp_path: Path, top: str, kind: str, made: str, count: int
) -> None:
    """An async client belongs to one event loop, so it cannot outlive one that ends with the call."""
    source = f"import httpx, jwt, msal, requests\n{top}@app.get('/x')\n{kind} handler():\n    return {made}\n"
    assert len(found_in_web_app(tmp_path, source, "client-per-request")) == count


CONNECTIONS = {
    "in the view": ("def handler():\n    with psycopg2.connect('d') as c:\n        c.execute('q')", 1),
    "kept in g, which ends with the request": (
        "def db():\n    if 'db' not in g:\n        g.db = psycopg2.connect('d')\n    return g.db\n"
        "@app.get('/x')\ndef handler():\n    return db()",
        1,
    ),
    "from a pool of the driver": ("def handler():\n    mysql.connector.connect(host='h', pool_name='p')", 0),
    "without one": ("def handler():\n    mysql.connector.connect(host='h')", 1),
    "kept for the worker": (
        "def handler():\n    global kept\n    if kept is None:\n        kept = psycopg2.connect('d')",
        0,
    ),
    "of a driver manager with a pool": ("def handler():\n    pyodbc.connect('d')", 0),
}


@pytest.mark.parametrize(("body", "count"), CONNECTIONS.values(), ids=CONNECTIONS)
def test_connection_of_each_request_is_found(tmp_path: Path, body: str, count: int) -> None:
    top = "import mysql.connector, psycopg2, pyodbc\nfrom flask import g\nkept = None\n"
    route = "" if body.startswith("def db") else "@app.get('/x')\n"
    assert len(found_in_web_app(tmp_path, f"{top}{FLASK}{route}{body}\n", "connection-per-request")) == count


@pytest.mark.parametrize(
    ("top", "call"),
    [
        ("from passlib.context import CryptContext\nwords = CryptContext(schemes=['bcrypt'])", "words.verify(a, b)"),
        ("from passlib.hash import bcrypt", "bcrypt.hash(a)"),
        ("from pwdlib import PasswordHash\nwords = PasswordHash.recommended()", "words.verify(a, b)"),
        ("from werkzeug.security import check_password_hash", "check_password_hash(a, b)"),
    ],
)
def test_check_of_a_password_computes_on_the_loop(tmp_path: Path, top: str, call: str) -> None:
    source = f"{top}\n{FASTAPI}@app.post('/login')\nasync def login(a, b):\n    {call}\n"
    assert len(found_in_web_app(tmp_path, source, "computing-on-loop")) == 1


DJANGO = {
    "web.py": """
        import os
        from django.core.wsgi import get_wsgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        app = get_wsgi_application()
    """,
    "shop/settings.py": 'INSTALLED_APPS = ["rest_framework", "orders"]\nROOT_URLCONF = "shop.urls"\n',
    "shop/urls.py": """
        from django.urls import include, path
        urlpatterns = [path("orders/", include("orders.urls"))]
    """,
    "orders/urls.py": """
        from django.urls import path
        from . import views
        urlpatterns = [path("", views.index), path("all", views.index), path("slow", views.slow)]
    """,
    "orders/views.py": """
        import time, requests
        def index(request):
            return requests.Session().get("u")
        async def slow(request):
            time.sleep(1)
    """,
    "requirements.txt": "django==5.2\nrequests==2.32.5\npsycopg2-binary==2.9\nboto3==1.40.0\n",
}


def test_views_of_django_are_found_by_the_names_in_its_settings(tmp_path: Path) -> None:
    """What only the settings name is no unused package, and a view at two paths is one handler."""
    files = {name: textwrap.dedent(text) for name, text in DJANGO.items()}
    rules = ("client-per-request", "blocking-call", "requirement-unused", "requirement-forgotten")
    (found,) = found_in_web_app(tmp_path, files.pop("web.py"), *rules, more=files)
    assert (found.rule, found.file, found.line) == ("client-per-request", "orders/views.py", 4)
    assert found.seen.endswith("in each call of def index.")
