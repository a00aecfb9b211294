"""The routes of the shop."""

from flask import Blueprint, jsonify

from shop.services.stock import reserve

shop = Blueprint("shop", __name__)


@shop.get("/orders/<int:number>")
def order(number: int):
    """Reserve the articles of an order."""
    return jsonify(order=number, reserved=reserve(number))
