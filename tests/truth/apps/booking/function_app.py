"""
A travel agency whose handlers are all coroutines: routes here, the work in the packages below.

The comments ``# limit`` are those of the shop.
"""

import azure.functions as func
from booking.clients import agencies, fares, identity, loyalty
from booking.people import passports, seats
from booking.trips import availability, itinerary, tickets, weather

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def reply(value: object) -> func.HttpResponse:
    return func.HttpResponse(str(value))


@app.route("availability")
async def availability_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await availability.Calendar().free_rooms())


@app.route("token")
async def token_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await identity.token())


@app.route("itinerary")
async def itinerary_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await itinerary.cheapest())


@app.route("passport")
async def passport_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await passports.digest("A1234"))


@app.route("seat")
async def seat_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await seats.PLAN.take())


@app.route("agencies")
async def agencies_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await agencies.ask_all())


@app.route("ticket")
async def ticket_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await tickets.printed())


@app.route("fares")
async def fares_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await fares.Client.shared().cheapest())


@app.route("slots")
async def slots_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await agencies.slot())


@app.route("loyalty")
async def loyalty_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await loyalty.points())


@app.route("news")  # limit: none of /api/news, no line
async def news_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await loyalty.news())


@app.route("weather")  # limit: none of /api/weather, no line
async def weather_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await weather.today())


@app.route("health")  # limit: host of /api/health, no line
async def health_route(req: func.HttpRequest) -> func.HttpResponse:
    return reply("ok")
