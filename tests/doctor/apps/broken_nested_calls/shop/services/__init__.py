from .reports import ReportService

__all__ = ["ReportService"]
