"""The URLs of the project."""

from django.urls import path
from reports.views import report

urlpatterns = [path("reports/<int:year>/", report)]
