"""Programs for work on this repository. Neither the app nor the lab imports them."""
