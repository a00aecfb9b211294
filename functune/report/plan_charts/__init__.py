"""The charts of plan.html: each takes a plan and gives a figure. A report has none of them, and loads no plan."""
