"""Where the packages of an app come from, and the environments that workers run in."""
