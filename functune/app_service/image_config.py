"""
An empty configuration in place of the one in the platform's image, which sets only hooks for logs and the profiler.

Gunicorn loads it with ``-c python:functune.app_service.image_config``, so that it reads no other file, as on the
platform.
"""
