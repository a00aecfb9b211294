"""
A WSGI or ASGI app in the process of its web server, with the times of its calls in the headers of its answers.

    FUNCTUNE_APP=src.app:app gunicorn functune.middleware.wsgi:app
    FUNCTUNE_APP=src.app:app uvicorn functune.middleware.asgi:app

It runs with the interpreter and the packages of the app, so it imports the standard library and functune alone.
"""
