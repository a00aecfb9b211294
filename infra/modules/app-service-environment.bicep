// An App Service Environment v3 with an internal load balancer, in a virtual network of its own, and the private DNS zone
// of its apps. Creating it takes hours, and it is billed while it exists: see docs/app-service.md first.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

var environmentName = 'ase-${token}'

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [
      {
        name: 'environment'
        properties: {
          addressPrefix: '10.0.1.0/24'
          delegations: [
            {
              name: 'app-service-environment'
              properties: { serviceName: 'Microsoft.Web/hostingEnvironments' }
            }
          ]
        }
      }
    ]
  }
}

resource hostingEnvironment 'Microsoft.Web/hostingEnvironments@2024-11-01' = {
  name: environmentName
  location: location
  tags: tags
  kind: 'ASEV3'
  properties: {
    // Both the apps and their deployment endpoints are reachable from the network only.
    internalLoadBalancingMode: 'Web, Publishing'
    virtualNetwork: { id: '${network.id}/subnets/environment' }
    zoneRedundant: false
    clusterSettings: [
      { name: 'DisableTls1.0', value: '1' }
      { name: 'InternalEncryption', value: 'true' }
    ]
  }
}

resource networking 'Microsoft.Web/hostingEnvironments/configurations@2024-11-01' = {
  parent: hostingEnvironment
  name: 'networking'
  properties: {
    allowNewPrivateEndpointConnections: false
    ftpEnabled: false
    remoteDebugEnabled: false
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${environmentName}.appserviceenvironment.net'
  location: 'global'
  tags: tags
}

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: zone
  name: 'link-${token}'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}

// The apps, the environment itself, and the deployment endpoints of the apps.
resource records 'Microsoft.Network/privateDnsZones/A@2024-06-01' = [
  for name in ['*', '@', '*.scm']: {
    parent: zone
    name: name
    properties: {
      ttl: 3600
      aRecords: [{ ipv4Address: networking.properties.internalInboundIpAddresses[0] }]
    }
  }
]

@description('Resource id of the environment.')
output id string = hostingEnvironment.id
