"""The local host: an HTTP front and worker processes that each run Microsoft's azure-functions-runtime."""
