"""What holds for private networks, on whatever plan; ``test_rules.py`` shows what each rule refuses."""

from typing import Any

from tests.infra.bicep import ModuleCall, Template, app_settings, chosen, mentions, walk, web_apps

# What joins the subnet of an app, by the template that needs it.
_DELEGATIONS = {
    "main.bicep": "Microsoft.App/environments",
    "premium.bicep": "Microsoft.Web/serverFarms",
    "app-service.bicep": "Microsoft.Web/serverFarms",
}
# Part of the name of the private DNS zone, by what the endpoint leads to.
_ZONES = {"blob": "privatelink.blob.", "file": "privatelink.file.", "sites": "privatelink.azurewebsites.net"}


def vnet_closes_storage(template: Template) -> list[str]:
    """With a virtual network, storage has no public access, not even for other services of Azure."""
    wrong = []
    for account in template.of_type("Microsoft.Storage/storageAccounts"):
        rules = account.properties.get("networkAcls", {})
        if chosen(account.properties.get("publicNetworkAccess")) != ("vnetEnabled", "Disabled"):
            wrong.append(f"{account.symbol} stays public with vnetEnabled")
        if chosen(rules.get("defaultAction")) != ("vnetEnabled", "Deny"):
            wrong.append(f"{account.symbol} lets everybody in with vnetEnabled")
        if chosen(rules.get("bypass")) != ("vnetEnabled", "None"):
            wrong.append(f"{account.symbol} lets services of Azure in with vnetEnabled")
    return wrong


def closed_storage_has_an_endpoint(template: Template) -> list[str]:
    """An account that is closed has an endpoint of its own, for which an app in the same file waits."""
    wrong = []
    for account in template.of_type("Microsoft.Storage/storageAccounts"):
        calls = template.calls("private-endpoint.bicep")
        found = [call for call in calls if mentions(call.params["targetId"], account.symbol)]
        if [call.condition for call in found] != ["vnetEnabled"]:
            wrong.append(f"{account.symbol} has no endpoint of its own where it is closed")
        wrong += [
            f"{site.symbol} starts before {call.symbol}"
            for site in template.of_type("Microsoft.Web/sites")
            for call in found
            if call.symbol not in site.body.get("dependsOn", [])
        ]
    return wrong


def host_storage_is_closed_with_the_network(template: Template) -> list[str]:
    """The account of the host is closed with ``vnetEnabled``, and the app waits for it by using its output."""
    (call,) = template.calls("host-storage.bicep")
    wrong = [] if call.params.get("vnetEnabled") == "vnetEnabled" else ["the account does not take vnetEnabled"]
    for name, output in (("endpointSubnetId", "endpointSubnetId"), ("zoneId", "zoneIds")):
        condition, value = chosen(call.params.get(name))
        if condition != "vnetEnabled" or output not in str(value):
            wrong.append(f"the account does not take the {output} of the network")
    wrong += [
        f"{site.symbol} may start before its identity has the role"
        for site in web_apps(template)
        if call.symbol not in str(app_settings(site).get("AzureWebJobsStorage__blobServiceUri"))
    ]
    return wrong


def app_joins_the_network(template: Template) -> list[str]:
    """The app and its slot are in the network wherever it is made, through a subnet that their plan may use."""
    (network,) = template.calls("network.bicep")
    wrong = []
    if network.params.get("delegation") != _DELEGATIONS[template.name]:
        wrong.append(f"the subnet is for {network.params.get('delegation')}")
    if not mentions(network.params.get("natGatewayEnabled"), "natGatewayEnabled"):
        wrong.append("the network does not take natGatewayEnabled")
    wrong += [
        f"{site.symbol} does not join the network"
        for site in web_apps(template)
        if chosen(site.properties.get("virtualNetworkSubnetId"))[0] != network.condition
    ]
    reasons = template.value(network.condition)
    wrong += [f"{name} makes no network" for name in ("natGatewayEnabled",) if not mentions(reasons, name)]
    return wrong


def private_app_is_reached_by_endpoints(template: Template) -> list[str]:
    """Where the app is private, app and slot have an endpoint each, and nowhere else."""
    endpoints = {call.params["groupId"]: call for call in template.calls("private-endpoint.bicep")}
    slots = template.of_type("Microsoft.Web/sites/slots")
    wrong = []
    for group in ("sites", *("sites-${slotName}" for _ in slots)):
        if group not in endpoints:
            wrong.append(f"{group} has no private endpoint")
        elif not mentions(endpoints[group].condition, "isPrivate"):
            wrong.append(f"{group} has one for a public app too")
    return wrong


def endpoints_use_their_zone(template: Template) -> list[str]:
    """An endpoint writes its addresses into the zone of its kind: the index counts the zones that the network makes."""
    zones = _zones(template)
    wrong = []
    for call in [*template.calls("private-endpoint.bicep"), *template.calls("host-storage.bicep")]:
        name = zones.get(_index(call), "")
        # The account of the host has an endpoint for its blobs.
        wanted = _ZONES[call.params.get("groupId", "blob").partition("-")[0]]
        if not str(template.value(name)).startswith(wanted):
            wrong.append(f"{call.symbol} writes into {name or 'no zone'}")
    return wrong


def _zones(template: Template) -> dict[int, str]:
    """The names that the network makes, in their order, with everything that can be asked for."""
    (network,) = template.calls("network.bicep")
    return dict(enumerate(_names(template, network.params["zoneNames"])))


def _names(template: Template, expression: Any) -> list[str]:
    value = template.value(expression)
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [name for item in value for name in _names(template, item)]
    if "operator" in value:
        return _names(template, value["operator"]["operands"]["true_value"])
    return [name for part in value["function"]["parameters"].values() for name in _names(template, part)]


def _index(call: ModuleCall) -> int:
    indices = [part for part in walk(call.params["zoneId"]) if isinstance(part, int)]
    return indices[0] if indices else -1


def addresses_have_names(template: Template) -> list[str]:
    """The network makes every zone that it is given, and links it."""
    zones = template.of_type("Microsoft.Network/privateDnsZones")
    links = template.of_type("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    wrong = (
        [] if [zone.loop and zone.loop[1] for zone in zones] == ["zoneNames"] else ["the zones are not those asked for"]
    )
    if [link.loop and link.loop[1] for link in links] != ["zoneNames"]:
        wrong.append("the links are not those of the zones")
    for link in links:
        if "network" not in str(link.properties.get("virtualNetwork", {}).get("id")):
            wrong.append("the zones are linked to no network")
    return wrong


def gateway_is_optional(template: Template) -> list[str]:
    """The NAT gateway with its fixed address exists where it is asked for, and the app's subnet uses it."""
    wrong = []
    for kind in ("publicIPAddresses", "natGateways"):
        wrong += [
            f"{made.symbol} is always made"
            for made in template.of_type(f"Microsoft.Network/{kind}")
            if template.condition(made.symbol) != "natGatewayEnabled"
        ]
    (network,) = template.of_type("Microsoft.Network/virtualNetworks")
    (app,) = [subnet for subnet in network.properties["subnets"] if subnet["name"] == "app"]
    condition, gateway = chosen(app["properties"].get("natGateway"))
    if condition != "natGatewayEnabled" or not mentions(gateway, "gateway"):
        wrong.append("the subnet of the app does not use the gateway")
    addresses = template.of_type("Microsoft.Network/publicIPAddresses")
    if [made.properties.get("publicIPAllocationMethod") for made in addresses] != ["Static"]:
        wrong.append("the address is not fixed")
    return wrong


def endpoint_registers_its_name(template: Template) -> list[str]:
    """The endpoint writes its addresses into the zone."""
    groups = template.of_type("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    if [group.body.get("parent") for group in groups] != ["endpoint"]:
        return ["the endpoint has no zone group"]
    return [] if mentions(groups[0].properties, "zoneId") else ["the zone group names another zone"]
