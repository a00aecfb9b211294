from azure.identity import DefaultAzureCredential


def credential():
    return DefaultAzureCredential()  # fault: client-per-request
