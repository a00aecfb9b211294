"""A blob as an input, which only the extensions of the real host serve."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("price")
@app.blob_input(arg_name="prices", path="lists/prices.json", connection="STORE")
def price(req: func.HttpRequest, prices: func.InputStream) -> str:
    return prices.read().decode()
