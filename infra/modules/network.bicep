// A virtual network for an app: a subnet for its outbound calls, one for private endpoints, and a private DNS zone for each
// kind of address that the endpoints have. With a NAT gateway, the outbound calls have one fixed address and its ports.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('The service that joins the subnet of the app. Flex Consumption needs Microsoft.App/environments, whose provider must be registered; the other plans need Microsoft.Web/serverFarms.')
@allowed(['Microsoft.App/environments', 'Microsoft.Web/serverFarms'])
param delegation string

@description('Names of the private DNS zones, such as privatelink.azurewebsites.net.')
param zoneNames array

@description('Send the outbound calls through a NAT gateway.')
param natGatewayEnabled bool

resource address 'Microsoft.Network/publicIPAddresses@2024-07-01' = if (natGatewayEnabled) {
  name: 'ip-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource gateway 'Microsoft.Network/natGateways@2024-07-01' = if (natGatewayEnabled) {
  name: 'nat-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: {
    // A connection to the same address and port is kept this long without traffic.
    idleTimeoutInMinutes: 4
    publicIpAddresses: [{ id: address.id }]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.0.1.0/24'
          natGateway: natGatewayEnabled ? { id: gateway.id } : null
          delegations: [
            {
              // Kept as it was once made: a subnet that an app has joined does not let go of its delegation.
              name: (delegation == 'Microsoft.App/environments') ? 'flex-consumption' : 'app-service'
              properties: { serviceName: delegation }
            }
          ]
        }
      }
      {
        name: 'private-endpoints'
        properties: {
          addressPrefix: '10.0.2.0/24'
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for name in zoneNames: {
    name: name
    location: 'global'
    tags: tags
  }
]

resource zoneLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (name, index) in zoneNames: {
    parent: zones[index]
    name: 'link-${token}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

@description('Subnet that the app joins for its outbound calls.')
output appSubnetId string = '${network.id}/subnets/app'

@description('Subnet of the private endpoints.')
output endpointSubnetId string = '${network.id}/subnets/private-endpoints'

@description('Resource ids of the private DNS zones, in the order of zoneNames.')
output zoneIds array = [for (name, index) in zoneNames: zones[index].id]
