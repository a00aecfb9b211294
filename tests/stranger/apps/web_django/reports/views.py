"""The pages of the reports."""

from django.http import HttpRequest, JsonResponse

from reports.totals import yearly_total


def report(request: HttpRequest, year: int) -> JsonResponse:
    """The total of a year."""
    return JsonResponse({"year": year, "total": yearly_total(year)})
