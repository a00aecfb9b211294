"""An HTTP streaming extension, registered as azurefunctions-extensions-http-fastapi registers itself."""

import azurefunctions.extensions.base as base


class Request:
    pass


class Response:
    pass


class Synchronizer(base.RequestSynchronizer):
    def sync_route_params(self, request, path_params):
        request.path_params = path_params


class RequestTracker(metaclass=base.RequestTrackerMeta):
    request_type = Request
    synchronizer = Synchronizer()


class ResponseTracker(metaclass=base.ResponseTrackerMeta):
    label = base.ResponseLabels.STREAMING
    response_type = Response


class WebApp(base.WebApp):
    def route(self, function):
        return function

    def get_app(self):
        return self


class WebServer(base.WebServer):
    async def serve(self):
        """Never called: the local host does not forward requests."""
