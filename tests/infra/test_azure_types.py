"""Resource bodies hold what Azure's types say, and the check sees what does not."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.azure_types import EXCEPTIONS, UNKNOWN, Types, problems
from tests.infra.bicep import APP_SERVICE, CONTAINER_APPS, FILES, FLEX, INFRA, PREMIUM, edited, parse
from tools.equipment import AZURE_TYPES

AZMCP = AZURE_TYPES.find()

pytestmark = pytest.mark.skipif(AZMCP is None, reason=AZURE_TYPES.missing)

HOST_STORAGE = INFRA / "modules" / "host-storage.bicep"
MONITORING = INFRA / "modules" / "monitoring.bicep"
WORKSPACE = INFRA / "modules" / "workspace.bicep"
ENVIRONMENT = INFRA / "modules" / "app-service-environment.bicep"
NETWORK = INFRA / "modules" / "network.bicep"
PASSWORDS = INFRA / "modules" / "identities-only.bicep"
SPENDING = INFRA / "modules" / "spending.bicep"
WORKBOOK = INFRA / "modules" / "workbook.bicep"


@pytest.fixture(scope="module")
def types() -> Iterator[Types]:
    """Azure's types, of one azmcp for all tests."""
    assert AZMCP is not None
    with contextlib.closing(Types(AZMCP)) as types:
        yield types


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_resource_body_fits_the_types_of_azure(path: Path, types: Types) -> None:
    assert problems(parse(path), types) == []


@pytest.mark.parametrize(
    ("path", "text", "replacement", "expected"),
    [
        (FLEX, "httpsOnly:", "httpOnly:", "functionApp.properties.httpOnly: is no property Azure knows"),
        (FLEX, "maximumInstanceCount: max", "maxInstances: max", "maxInstances: is no property"),
        (FLEX, "alwaysReady: (", "ready: (", "scaleAndConcurrency.ready: is no property"),
        (FLEX, "name: 'http', instanceCount", "name: 'http', count", "alwaysReady[0].count: is no property"),
        (
            APP_SERVICE,
            "appCommandLine:",
            "startupCommand:",
            "site.properties.siteConfig.startupCommand: is no property",
        ),
        (PASSWORDS, "{ allow: false }", "{ allowed: false }", "siteDeployment.properties.allowed: is no property"),
        (FLEX, "    ipAddress: trim(", "    address: trim(", "ipSecurityRestrictions[0].address: is no property"),
        (PREMIUM, "contentShareTraffic:", "shareTraffic:", "outboundVnetRouting.shareTraffic: is no property"),
        (NETWORK, "publicIpAddresses:", "addresses:", "gateway.properties.addresses: is no property"),
        (SPENDING, "contactEmails:", "emails:", "notifications.half.emails: is no property"),
        (WORKBOOK, "serializedData:", "data:", "workbook.properties.data: is no property"),
        (CONTAINER_APPS, "minReplicas:", "minimumReplicas:", "scale.minimumReplicas: is no property"),
        (CONTAINER_APPS, "path: '/health'", "route: '/health'", "httpGet.route: is no property"),
        (ENVIRONMENT, "ftpEnabled:", "ftp:", "networking.properties.ftp: is no property"),
        (NETWORK, "serviceName:", "service:", "delegations[0].properties.service: is no property"),
    ],
)
def test_an_unknown_property_is_seen(
    path: Path, text: str, replacement: str, expected: str, tmp_path: Path, types: Types
) -> None:
    assert expected in "\n".join(problems(edited(path, text, replacement, tmp_path), types))


@pytest.mark.parametrize(
    ("path", "text", "replacement", "expected"),
    [
        (FLEX, "httpsOnly: true", "httpsOnly: 'true'", "httpsOnly: is 'true', not bool"),
        (FLEX, "instanceMemoryMB: instanceMemoryMB", "instanceMemoryMB: '2048'", "is '2048', not int"),
        (FLEX, "reserved: true", "reserved: 1", "reserved: is 1, not bool"),
        (FLEX, "string(threadCount)", "threadCount", "is some int, not string"),
        (
            FLEX,
            "name: 'http', instanceCount: alwaysReadyInstanceCount",
            "name: 'http', instanceCount: 'one'",
            "not int",
        ),
        (FLEX, "type: 'UserAssigned'\n", "type: 'Mine'\n", "identity.type: is 'Mine'"),
        (HOST_STORAGE, "vnetEnabled ? 'Deny' : 'Allow'", "vnetEnabled ? 'Deny' : 'On'", "defaultAction: is 'On'"),
        (HOST_STORAGE, "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: false", "is False"),
        (FLEX, "var tags = { 'azd-env-name': environmentName }", "var tags = 'none'", "tags: is 'none'"),
        (
            PASSWORDS,
            "name: 'ftp'",
            "name: 'git'",
            "name: is 'git', not one of ftp, scm",
        ),
        (APP_SERVICE, "healthCheckPath: '/health'", "healthCheckPath: true", "healthCheckPath: is True, not string"),
        (CONTAINER_APPS, "targetPort: port", "targetPort: '8000'", "targetPort: is '8000', not int"),
        (ENVIRONMENT, "name: 'networking'", "name: 'network'", "name: is 'network', not one of"),
        (PREMIUM, "functionAppScaleLimit: maximumInstanceCount", "functionAppScaleLimit: planSku", "not int"),
        (PREMIUM, "capacity: minimumInstanceCount", "capacity: planSku", "not int"),
        (FLEX, "priority: 100 + index", "priority: 'first'", "priority: is 'first', not int"),
        (SPENDING, "amount: monthlyBudget", "amount: email", "amount: is some string, not int"),
        (WORKSPACE, "features: { disableLocalAuth: true }", "features: []", "features: is []"),
    ],
)
def test_a_value_of_the_wrong_type_is_seen(
    path: Path, text: str, replacement: str, expected: str, tmp_path: Path, types: Types
) -> None:
    assert expected in "\n".join(problems(edited(path, text, replacement, tmp_path), types))


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (FLEX, "  location: location\n", "identity.location: is missing"),
        (HOST_STORAGE, "  kind: 'StorageV2'\n", "storage.kind: is missing"),
        (HOST_STORAGE, "    roleDefinitionId: blobOwnerRoleId\n", "blobOwner.properties.roleDefinitionId: is missing"),
        (MONITORING, "    Application_Type: 'web'\n", "component.properties.Application_Type: is missing"),
    ],
)
def test_a_missing_required_property_is_seen(
    path: Path, text: str, expected: str, tmp_path: Path, types: Types
) -> None:
    assert expected in "\n".join(problems(edited(path, text, "", tmp_path), types))


def test_a_property_only_azure_sets_is_seen(tmp_path: Path, types: Types) -> None:
    copy = edited(FLEX, "    httpsOnly: true", "    httpsOnly: true\n    state: 'Running'", tmp_path)
    assert problems(copy, types) == ["functionApp.properties.state: is read-only"]


def test_an_api_version_without_types_is_seen(tmp_path: Path, types: Types) -> None:
    copy = edited(FLEX, "sites@2024-11-01", "sites@2019-08-01", tmp_path)
    assert "functionApp is Microsoft.Web/sites@2019-08-01" in "\n".join(problems(copy, types))


def test_every_exception_is_still_one(types: Types) -> None:
    """Once Azure's types have the property, the exception goes."""
    for resource_type, path in EXCEPTIONS:
        known = types.definition(resource_type)
        *parents, last = path.split(".")
        properties = known.properties
        for name in parents:
            named = next(prop["type"] for prop in properties if prop["name"] == name)
            properties = known.objects[named]["properties"]
        assert last not in {prop["name"] for prop in properties}


@pytest.mark.parametrize("resource_type", sorted(UNKNOWN))
def test_every_type_left_out_is_still_unknown(resource_type: str, types: Types) -> None:
    with pytest.raises(LookupError):
        types.definition(resource_type)
