"""Clients and connections that are made for each request."""

import re
from collections.abc import Iterator

from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.blocking import by_place, readable
from functune.doctor.syntax.handlers import AppHandler
from functune.doctor.syntax.reach import Reached

CLIENTS = (
    r"httpx\.(Async)?Client",
    r"requests\.([Ss]ession|sessions\.Session)",
    r"aiohttp\.(client\.)?ClientSession",
    r"urllib3\.PoolManager",
    r"azure\.storage\.(blob|queue|fileshare|filedatalake)(\.aio)?\.\w*ServiceClient(\.from_connection_string)?",
    r"azure\.storage\.(blob|queue)(\.aio)?\.(Container|Queue)Client(\.from_connection_string)?",
    r"azure\.cosmos(\.aio)?\.(\w+\.)?CosmosClient(\.from_connection_string)?",
    r"azure\.data\.tables(\.aio)?\.Table(Service)?Client(\.from_connection_string)?",
    r"azure\.keyvault\.\w+(\.aio)?\.\w+Client",
    r"azure\.servicebus(\.aio)?\.ServiceBusClient(\.from_connection_string)?",
    r"azure\.eventhub(\.aio)?\.EventHub(Producer|Consumer)Client(\.from_connection_string)?",
    r"azure\.search\.documents(\.\w+)*\.Search\w*Client",
    r"azure\.ai\.\S+Client",
    r"azure\.identity(\.aio)?\.(Default|ManagedIdentity|ClientSecret|Environment|AzureCli|ChainedToken|Certificate)"
    r"\w*Credential",
    r"openai\.(Async)?(Azure)?OpenAI",
    r"anthropic\.(Async)?Anthropic",
    r"pymongo\.(Async)?MongoClient|motor\.motor_asyncio\.AsyncIOMotorClient",
    r"redis(\.asyncio)?\.(Redis|StrictRedis|from_url)(\.from_url)?",
    r"boto3\.(client|resource)",
    r"sqlalchemy(\.ext\.asyncio)?\.create_(async_)?engine",
    r"asyncpg\.create_pool",
    r"jwt\.(jwks_client\.)?PyJWKClient",
    r"msal\.(application\.)?(Confidential|Public)ClientApplication",
)
"""Patterns of the called symbols. Each of these objects holds connections, tokens or keys for the next call."""

CONNECTIONS = (
    r"psycopg2?(\.Connection|\.AsyncConnection)?\.connect",
    r"(pymysql|MySQLdb|pymssql|oracledb|aiomysql|aiopg|asyncpg)\.(\w+\.)?connect(_async)?",
    r"mysql\.connector(\.aio)?\.connect",
    r"snowflake\.connector\.connect",
)
"""
Patterns of the calls that open one connection to a database.

pyodbc is none of them: its driver manager keeps connections. Neither is sqlite3, which opens a file.
"""

_CONNECTION = re.compile("|".join(f"(?:{pattern})" for pattern in CONNECTIONS))
_ASYNC_CLIENT = re.compile(r"\bAsync|\.aio\.|aiohttp|asyncio|asyncpg|create_async_engine")
_CLIENT = re.compile("|".join(f"(?:{pattern})" for pattern in CLIENTS))


def clients_per_request(app: InspectedApp) -> Iterator[RuleCase]:
    """A client made in a handler, or in a function that makes it for the handler; a timer's handler runs rarely."""

    found = (pair for pair in made_per_call(app) if could_be_kept(pair[1], pair[0].handler))
    for reached, symbol, path in by_place(found):
        file, line = reached.place
        yield RuleCase(seen=f"{readable(symbol)} is made in each call of {path}.", file=file, line=line)


def connections_per_request(app: InspectedApp) -> Iterator[RuleCase]:
    """A connection that a handler opens for each of its calls, unless the driver takes it from a pool."""
    found = (pair for pair in made_per_call(app) if _CONNECTION.fullmatch(pair[1]) and not names_pool(pair[0]))
    for reached, symbol, path in by_place(found):
        file, line = reached.place
        yield RuleCase(seen=f"{readable(symbol)} opens a connection in each call of {path}.", file=file, line=line)


def made_per_call(app: InspectedApp) -> Iterator[tuple[Reached, str]]:
    """What the handlers make for one call alone, with its symbol."""
    for handler in app.syntax.handlers:
        if handler.kind == "call":
            for reached in app.syntax.made(handler):
                if isinstance(reached.site.target, str):
                    yield reached, reached.site.target


def names_pool(reached: Reached) -> bool:
    """Whether a call asks for a pool of the driver, as ``pool_name`` of MySQL's does."""
    return any((each.arg or "").startswith("pool") for each in reached.site.node.keywords)


def could_be_kept(symbol: str, handler: AppHandler) -> bool:
    """Whether it is a client that the next call could use: an async one belongs to one event loop."""
    keeps_loop = handler.function.is_async and handler.shares_loop
    return _CLIENT.fullmatch(symbol) is not None and (keeps_loop or _ASYNC_CLIENT.search(symbol) is None)


CLIENT_RULES = (
    Rule(
        id="client-per-request",
        family="clients",
        severity="warning",
        looks_for="an HTTP, database or Azure client, a credential, or a `PyJWKClient`, that a handler makes for each "
        "of its calls",
        why="Each call opens connections of its own, with TLS handshakes, and gets tokens that the last one had "
        "already; under load, ports run out, and identity endpoints refuse calls.",
        remedy="Make it once per worker process: at the top of a module, or on first use in a function with "
        "functools.cache; in `async def`, on first use within a handler.",
        check=clients_per_request,
    ),
    Rule(
        id="connection-per-request",
        family="clients",
        severity="warning",
        looks_for="a connection to a database that a handler opens for each of its calls; pyodbc and sqlite3 are not "
        "looked at",
        why="Each call waits for the handshakes and the sign-in. Under load there are as many connections as calls at "
        "a time, on all instances together, and a server refuses them above its limit, such as 100 of PostgreSQL.",
        remedy="Make a pool once per worker process, such as psycopg_pool.ConnectionPool or an engine of SQLAlchemy, "
        "and give it as many places as calls run at a time.",
        check=connections_per_request,
    ),
)
