import azure.functions as func

from shop import orders, stock

app = func.FunctionApp()
app.register_functions(orders.blueprint)
app.register_functions(stock.blueprint)
