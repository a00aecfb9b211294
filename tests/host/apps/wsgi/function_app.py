"""A WSGI application behind a catch-all route, as WsgiFunctionApp registers it."""

import azure.functions as func


def application(environ, start_response):
    start_response("202 Accepted", [("content-type", "text/x-wsgi")])
    body = environ["wsgi.input"].read().decode()
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ['QUERY_STRING']} {body}".encode()]


app = func.WsgiFunctionApp(app=application, http_auth_level=func.AuthLevel.ANONYMOUS)
