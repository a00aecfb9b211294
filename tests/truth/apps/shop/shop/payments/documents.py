import json
from string import Template

LINE = Template("$number  $name  $price\n")
ENTRIES = [{"number": number, "name": f"item {number}", "paid": number % 3 == 0} for number in range(12_000)]


def invoice() -> str:
    return "".join(map(entry, range(2500)))


def entry(number: int) -> str:
    return LINE.substitute(number=number, name="tea", price=number * 3)  # limit: gil of /api/invoice


def statement() -> str:
    return json.dumps(ENTRIES)  # limit: gil of /api/statement
