"""The rules for private networks, each with the files it is about and copies that it must refuse."""

from pathlib import Path

from tests.infra import network_rules
from tests.infra.bicep import APP_SERVICE, FLEX, INFRA, PREMIUM
from tests.infra.rule_cases import AZD_FILES, HOST_STORAGE, SITE_FILES, Change, Rule

NETWORK = INFRA / "modules" / "network.bicep"
ENDPOINT = INFRA / "modules" / "private-endpoint.bicep"

NETWORK_CASES: dict[Rule, tuple[list[Path], list[Change]]] = {
    network_rules.vnet_closes_storage: (
        [HOST_STORAGE, PREMIUM],
        [
            (HOST_STORAGE, "vnetEnabled ? 'Disabled' : 'Enabled'", "'Enabled'"),
            (HOST_STORAGE, "vnetEnabled ? 'Deny' : 'Allow'", "'Allow'"),
            (HOST_STORAGE, "vnetEnabled ? 'None' : 'AzureServices'", "'AzureServices'"),
            (PREMIUM, "vnetEnabled ? 'None' : 'AzureServices'", "isPrivate ? 'None' : 'AzureServices'"),
        ],
    ),
    network_rules.closed_storage_has_an_endpoint: (
        [HOST_STORAGE, PREMIUM],
        [
            (HOST_STORAGE, "targetId: storage.id", "targetId: ''"),
            (HOST_STORAGE, "'private-endpoint.bicep' = if (vnetEnabled)", "'private-endpoint.bicep' ="),
            (PREMIUM, "targetId: contentStorage.id", "targetId: functionApp.id"),
            (PREMIUM, "dependsOn: [contentShares, fileEndpoint]", "dependsOn: [contentShares]"),
            (
                PREMIUM,
                "fileEndpoint 'modules/private-endpoint.bicep' = if (vnetEnabled)",
                "fileEndpoint 'modules/private-endpoint.bicep' = if (isPrivate)",
            ),
        ],
    ),
    network_rules.host_storage_is_closed_with_the_network: (
        AZD_FILES,
        [
            (FLEX, "    vnetEnabled: vnetEnabled\n", "    vnetEnabled: isPrivate\n"),
            (FLEX, "endpointSubnetId: vnetEnabled ? network!.outputs.endpointSubnetId : ''", "endpointSubnetId: ''"),
            (PREMIUM, "vnetEnabled ? network!.outputs.zoneIds[0] : ''", "isPrivate ? network!.outputs.zoneIds[0] : ''"),
            (PREMIUM, "value: hostStorage.outputs.blobEndpoint", "value: 'https://st.blob.core.windows.net'"),
        ],
    ),
    network_rules.app_joins_the_network: (
        SITE_FILES,
        [
            (FLEX, "inNetwork ? network!.outputs.appSubnetId : null", "null"),
            (FLEX, "inNetwork ? network!", "vnetEnabled ? network!"),
            (FLEX, "'Microsoft.App/environments'", "'Microsoft.Web/serverFarms'"),
            (FLEX, "(vnetEnabled || natGatewayEnabled)", "(vnetEnabled || isPrivate)"),
            (PREMIUM, "natGatewayEnabled: natGatewayEnabled", "natGatewayEnabled: false"),
            (APP_SERVICE, "inNetwork ? network!.outputs.appSubnetId : null", "null"),
        ],
    ),
    network_rules.private_app_is_reached_by_endpoints: (
        SITE_FILES,
        [
            (FLEX, "groupId: 'sites'", "groupId: 'web'"),
            (
                FLEX,
                "siteEndpoint 'modules/private-endpoint.bicep' = if (isPrivate)",
                "siteEndpoint 'modules/private-endpoint.bicep' = if (vnetEnabled)",
            ),
            (PREMIUM, "groupId: 'sites-${slotName}'", "groupId: 'sites'"),
            (
                APP_SERVICE,
                "'modules/private-endpoint.bicep' = if (isPrivate)",
                "'modules/private-endpoint.bicep' = if (hasSlot)",
            ),
        ],
    ),
    network_rules.endpoints_use_their_zone: (
        SITE_FILES,
        [
            (FLEX, "zoneId: network!.outputs.zoneIds[1]", "zoneId: network!.outputs.zoneIds[0]"),
            (FLEX, "concat(vnetEnabled ? [blobZone] : [], isPrivate ? [siteZone] : [])", "[siteZone, blobZone]"),
            (FLEX, "concat(vnetEnabled ? [blobZone] : [], isPrivate ? [siteZone] : [])", "[blobZone]"),
            (PREMIUM, "'privatelink.file.", "'privatelink.queue."),
            (APP_SERVICE, "['privatelink.azurewebsites.net']", "['azurewebsites.net']"),
            (APP_SERVICE, "zoneId: network!.outputs.zoneIds[0]", "zoneId: ''"),
        ],
    ),
    network_rules.addresses_have_names: (
        [NETWORK],
        [
            (NETWORK, "for name in zoneNames:", "for name in ['privatelink.azurewebsites.net']:"),
            (NETWORK, "for (name, index) in zoneNames: {", "for (name, index) in ['one']: {"),
            (NETWORK, "{ id: network.id }", "{ id: '' }"),
        ],
    ),
    network_rules.gateway_is_optional: (
        [NETWORK],
        [
            (NETWORK, "natGateways@2024-07-01' = if (natGatewayEnabled)", "natGateways@2024-07-01' ="),
            (NETWORK, "publicIPAddresses@2024-07-01' = if (natGatewayEnabled)", "publicIPAddresses@2024-07-01' ="),
            (NETWORK, "natGatewayEnabled ? { id: gateway.id } : null", "null"),
            (NETWORK, "'Static'", "'Dynamic'"),
        ],
    ),
    network_rules.endpoint_registers_its_name: (
        [ENDPOINT],
        [
            (ENDPOINT, "privateEndpoints/privateDnsZoneGroups", "privateEndpoints/others"),
            (ENDPOINT, "privateDnsZoneId: zoneId", "privateDnsZoneId: ''"),
        ],
    ),
}
