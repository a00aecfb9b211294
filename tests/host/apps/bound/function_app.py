"""Functions with bindings that only the extensions of the real host serve."""

import azure.functions as func
from azurefunctions.extensions.base import InConverter, SdkType

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


class Container(SdkType):
    """Stands for a client of an Azure SDK, as azurefunctions-extensions-bindings-blob defines it."""

    def get_sdk_type(self):
        return self


class ContainerConverter(InConverter, binding="blob"):
    @classmethod
    def check_input_type_annotation(cls, pytype):
        return issubclass(pytype, Container)

    @classmethod
    def decode(cls, data, *, trigger_metadata, pytype):
        return Container()

    @classmethod
    def has_implicit_output(cls):
        return False


@app.route("plain")
def plain(req: func.HttpRequest) -> str:
    return "plain"


@app.route("price")
@app.blob_input(arg_name="prices", path="lists/prices.json", connection="STORE")
def price(req: func.HttpRequest, prices: func.InputStream) -> str:
    return prices.read().decode()


@app.route("stock")
@app.table_input(arg_name="row", connection="STORE", table_name="t", partition_key="p", row_key="r")
@app.blob_input(arg_name="prices", path="lists/prices.json", connection="STORE")
def stock(req: func.HttpRequest, row: str, prices: func.InputStream) -> str:
    return row


@app.route("container")
@app.blob_input(arg_name="box", path="lists/prices.json", connection="STORE")
def container(req: func.HttpRequest, box: Container) -> str:
    return str(box)


@app.route("start")
@app.generic_input_binding(arg_name="client", type="durableClient")
async def start(req: func.HttpRequest, client: str) -> str:
    return client


@app.route("order")
@app.queue_output(arg_name="msg", queue_name="orders", connection="STORE")
def order(req: func.HttpRequest, msg: func.Out[str]) -> str:
    msg.set("order 1")
    return "queued"


@app.route("off")
@app.blob_input(arg_name="prices", path="lists/prices.json", connection="STORE")
def switched_off(req: func.HttpRequest, prices: func.InputStream) -> str:
    return "never"


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
@app.queue_output(arg_name="msg", queue_name="orders", connection="STORE")
def tick(timer: func.TimerRequest, msg: func.Out[str]) -> None: ...
