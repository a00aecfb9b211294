from shop.database.pool import ConnectionPool


class OrderRepository:
    def __init__(self) -> None:
        self._pool = ConnectionPool(2)

    def latest(self) -> list[str]:
        with self._pool.connection() as connection:
            return connection.query("select * from orders")
