import os

from azure.storage.blob import BlobServiceClient, ContainerClient

_service = BlobServiceClient.from_connection_string(os.environ["STORE"])


def container() -> ContainerClient:
    return _service.get_container_client("files")
