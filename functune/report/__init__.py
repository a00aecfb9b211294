"""From a run folder to what people read: one HTML page, a Markdown summary, a JSON recommendation."""
