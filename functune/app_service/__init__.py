"""App Service on Linux: which app its start-up script starts for a folder, with which command, and what is wrong."""
