"""The pages of the reports."""

import time

from django.http import HttpRequest, JsonResponse

from reports.totals import yearly_total


def report(request: HttpRequest, year: int) -> JsonResponse:
    """The total of a year, once the database has found its entries."""
    time.sleep(0.03)
    return JsonResponse({"year": year, "total": yearly_total(year)})
