import azure.functions as func

from shop.gateway import Gateway
from shop.settings import load

blueprint = func.Blueprint()
gateway = Gateway(load()["gateway"])


@blueprint.route(route="orders", methods=["POST"])
def create(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(gateway.post(req.get_body()), status_code=201)


@blueprint.route(route="time", methods=["GET"])
async def now(req: func.HttpRequest) -> func.HttpResponse:
    time = req.params.get("time", "")
    return func.HttpResponse(time.strip())
