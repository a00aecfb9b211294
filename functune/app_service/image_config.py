"""
In place of the configuration of the platform's image, which sets hooks for its logs and its profiler, and no setting.

Gunicorn loads it with ``-c python:functune.app_service.image_config``, so that it reads no other file, as on the
platform.
"""
