"""
A shop: routes here, the work in the packages below.

A comment ``# limit: KIND of ROUTE`` marks the line that limits a route. With ``, no line`` it marks a route whose limit
is no line of the code.
"""

import azure.functions as func
from shop.catalogue.prices import PriceList
from shop.catalogue.search import SearchIndex, suppliers
from shop.database.repository import OrderRepository
from shop.inventory import journal, ledger
from shop.inventory.audit import AuditTrail
from shop.inventory.stock import Warehouse, stock_level
from shop.media import archive, checksum
from shop.payments.documents import invoice, statement
from shop.payments.gateway import Gateway, exchange_rates

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
index, prices, warehouse, gateway, orders, trail = (
    SearchIndex(),
    PriceList(),
    Warehouse(),
    Gateway(),
    OrderRepository(),
    AuditTrail(),
)


def reply(value: object) -> func.HttpResponse:
    return func.HttpResponse(str(value))


@app.route("search")
def search_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(index.find("tea"))


@app.route("suppliers")
def suppliers_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(suppliers())


@app.route("prices")
def prices_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(prices.total())


@app.route("invoice")
def invoice_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(len(invoice()))


@app.route("statement")
def statement_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(len(statement()))


@app.route("checksum")
def checksum_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(checksum.of_catalogue())


@app.route("archive")
def archive_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(archive.packed_size())


@app.route("reserve")
def reserve_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(warehouse.reserve("tea"))


@app.route("audit")
def audit_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(trail.record("order"))


@app.route("ledger")
def ledger_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(ledger.append("order"))


@app.route("journal")
def journal_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(journal.book("tea", 1))


@app.route("charge")
def charge_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(gateway.charge(12))


@app.route("rates")
def rates_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(exchange_rates())


@app.route("orders")
def orders_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(orders.latest())


@app.route("stock-level")
def stock_level_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(stock_level("tea"))


@app.route("ping")  # limit: host of /api/ping, no line
def ping_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply("pong")


@app.route("shipping")  # limit: none of /api/shipping, no line
def shipping_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(index.slots())
