"""App Service on Linux: which app its start-up script starts for a folder, and with which command."""
