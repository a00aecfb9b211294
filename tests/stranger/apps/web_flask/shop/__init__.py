"""A shop with an application factory."""

from flask import Flask


def create_app() -> Flask:
    """The app with its routes."""
    from shop.routes import shop

    app = Flask(__name__)
    app.register_blueprint(shop)
    return app
