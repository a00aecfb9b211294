"""Which calls of libraries wait or compute, by their symbol, and what to await instead."""

import re

_HTTP_VERBS = "get|post|put|patch|delete|head|options|request|send|stream"
_SQL_VERBS = "execute|executemany|executescript|fetchone|fetchall|fetchmany|commit|callproc"
_AZURE_VERBS = (
    "get|list|create|delete|update|upsert|set|send|receive|peek|upload|download|query|read|replace|patch|exists|begin|"
    "search|analyze|recognize|publish|acquire|start|stage|commit|append|copy|complete|embed|submit"
)
_MONGO_VERBS = (
    "find_one|find_one_and_update|insert_one|insert_many|update_one|update_many|replace_one|delete_one|delete_many|"
    "count_documents|aggregate|bulk_write|distinct"
)
_ORM_SESSION = (
    r"(sqlalchemy\.orm\.(session\.)?(sessionmaker\(\)\(\)|scoped_session\(\)(\(\))?|Session\(\))|sqlmodel\.Session\(\))"
)

BLOCKING_CALLS: tuple[tuple[str, str], ...] = (
    (r"time\.sleep", "Await asyncio.sleep(…)"),
    (
        rf"(requests|requests\.[Ss]ession\(\)|requests\.sessions\.Session\(\))\.({_HTTP_VERBS})",
        "Await a shared httpx.AsyncClient or aiohttp.ClientSession",
    ),
    (rf"httpx(\.Client\(\))?\.({_HTTP_VERBS})", "Await a shared httpx.AsyncClient"),
    (r"urllib\.request\.(urlopen|urlretrieve)", "Await a shared httpx.AsyncClient"),
    (r"urllib3(\.PoolManager\(\))?\.(request|urlopen)", "Await a shared httpx.AsyncClient"),
    (r"http\.client\.HTTPS?Connection\(\)\.(request|getresponse|connect)", "Await a shared httpx.AsyncClient"),
    (
        r"subprocess\.(run|call|check_call|check_output|getoutput|getstatusoutput)|os\.(system|popen|wait|waitpid)"
        r"|subprocess\.Popen\(\)\.(wait|communicate)",
        "Await asyncio.create_subprocess_exec(…)",
    ),
    (
        r"socket\.(create_connection|getaddrinfo|gethostbyname|gethostbyname_ex|gethostbyaddr)",
        "Await a method of the event loop, such as loop.getaddrinfo or asyncio.open_connection",
    ),
    (r"(psycopg2|psycopg|pymysql|pyodbc|pymssql|MySQLdb|mysql\.connector|oracledb|snowflake\.connector)\.connect", ""),
    (
        r"(psycopg2|psycopg|pymysql|pyodbc|pymssql|MySQLdb|mysql\.connector|oracledb|snowflake\.connector)"
        rf"\.connect\(\)(\.cursor\(\))?\.({_SQL_VERBS})",
        "",
    ),
    (r"sqlalchemy\.create_engine\(\)\.(connect|begin|raw_connection)", "Await sqlalchemy.ext.asyncio"),
    (
        rf"(sqlalchemy\.create_engine\(\)\.(connect|begin)\(\)|{_ORM_SESSION})"
        r"\.(execute|exec|scalars|scalar|commit|flush|get|refresh|bulk_\w+)",
        "Await sqlalchemy.ext.asyncio",
    ),
    (
        rf"{_ORM_SESSION}\.query\(\)(\.\w+\(\))*\.(all|first|one|one_or_none|scalar|count|get|delete|update)",
        "Await sqlalchemy.ext.asyncio",
    ),
    (r"pandas\.read_sql(_query|_table)?", ""),
    (
        r"redis\.(Redis|StrictRedis|from_url)(\.from_url)?\(\)"
        r"\.(?!pipeline$|pubsub$|close$|register_script$|lock$|from_url$)(pipeline\(\)\.execute|\w+)",
        "Await redis.asyncio",
    ),
    (rf"pymongo\.(mongo_client\.)?MongoClient\(\)\S*\.({_MONGO_VERBS})", "Await pymongo.AsyncMongoClient"),
    (
        r"boto3\.(client|Session\(\)\.client)\(\)"
        r"\.(?!generate_presigned_url$|generate_presigned_post$|get_paginator$|get_waiter$|close$|meta\b|exceptions\b)\w+",
        "",
    ),
    (
        r"boto3\.(resource|Session\(\)\.resource)\(\)(\.\w+\(\))+"
        r"\.(get|put|delete|update|query|scan|upload|download|copy|load|send|receive|batch)(_\w+)?",
        "",
    ),
    (
        r"elasticsearch\.Elasticsearch\(\)\.(search|index|get|mget|bulk|update|delete|count|exists|msearch)",
        "Await elasticsearch.AsyncElasticsearch",
    ),
    (
        r"msal\.(application\.)?(Confidential|Public)ClientApplication\(\)\.acquire_token_\w+",
        "",
    ),
    (
        r"openai\.(Azure)?OpenAI\(\)[\w.]*\.(create|parse|retrieve|generate|edit|list|delete)",
        "Await openai.AsyncOpenAI or openai.AsyncAzureOpenAI",
    ),
    (r"anthropic\.Anthropic\(\)[\w.]*\.(create|parse|count_tokens)", "Await anthropic.AsyncAnthropic"),
    (r"smtplib\.SMTP(_SSL)?\(\)\.(send_message|sendmail|login|starttls|connect)", ""),
    (r"paramiko\.(client\.)?SSHClient\(\)\.(connect|exec_command)", ""),
    (r"azure\.identity\.\w+Credential\(\)\.get_token", "Await a credential of azure.identity.aio"),
    (
        rf"azure\.(?!functions\b|durable_functions\b|\S*\baio\b)[\w.]*Client(\.from_\w+)?\(\)"
        rf"(\.get_\w+_(client|sender|receiver)\(\)|\.[a-z_]+s(?=\.))*"
        rf"\.(?!get_\w*(client|sender|receiver)$)({_AZURE_VERBS})(_\w+)?",
        "Await the client of the same name in the package's aio module",
    ),
    (
        r"concurrent\.futures\.(\w+\.)?\w*Executor\(\)\.(submit\(\)\.result|map)",
        "Await asyncio.get_running_loop().run_in_executor(executor, function)",
    ),
    (r"asyncio\.run_coroutine_threadsafe\(\)\.result", "Await the coroutine itself: it waits for its own event loop"),
    (r"concurrent\.futures\.(wait|as_completed)", "Await asyncio.gather(…)"),
    (r"threading\.(Thread\(\)\.join|Event\(\)\.wait|Barrier\(\)\.wait)", "Await asyncio.to_thread or asyncio.Event"),
)
"""What blocks, as a pattern of the called symbol, and what to await instead; empty where there is no one answer."""

COMPUTING_CALLS = (
    r"bcrypt\.(hashpw|checkpw|kdf)|hashlib\.(pbkdf2_hmac|scrypt)|argon2\.(\w+\.)?PasswordHasher\(\)\.(hash|verify)"
    r"|passlib\.(context\.CryptContext\(\)|hash\.\w+)\.(hash|verify)|pwdlib\.PasswordHash(\.\w+)?\(\)\.(hash|verify)"
    r"|werkzeug\.security\.(generate_password_hash|check_password_hash)"
)
"""Calls that are made to compute long."""

_BLOCKING = [(re.compile(pattern), instead) for pattern, instead in BLOCKING_CALLS]
_COMPUTING = re.compile(COMPUTING_CALLS)


def instead_of(symbol: str) -> str | None:
    """What to do instead of a call, empty where a thread is the one answer; None for a call that does not block."""
    return next((instead for pattern, instead in _BLOCKING if pattern.fullmatch(symbol)), None)


def computes_long(symbol: str) -> bool:
    """Whether a call is made to compute long."""
    return _COMPUTING.fullmatch(symbol) is not None
