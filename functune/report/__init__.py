"""From a run folder to its report: an HTML page, a Markdown summary, and JSON, CSV and JUnit files."""
