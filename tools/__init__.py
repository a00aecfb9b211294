"""Programs for working on this repository; neither the app nor the lab imports them."""
