import azure.functions as func

app = func.FunctionApp()


@app.blob_trigger(arg_name="blob", path="in/{name}", connection="STORE")
def arrived(blob: func.InputStream) -> None:
    blob.read()
