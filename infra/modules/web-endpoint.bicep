// A private endpoint of a web app or of one of its slots, and its records in the private DNS zone: the app's own name
// and the one of its deployment endpoint.
targetScope = 'resourceGroup'

@description('Name of the private endpoint.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the web app; for a slot too.')
param siteId string

@description('What the endpoint leads to: sites, or sites-<name of the slot>.')
param groupId string

@description('Subnet of the private endpoints.')
param subnetId string

@description('Private DNS zone of the private endpoints.')
param zoneId string

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: siteId
          groupIds: [groupId]
        }
      }
    ]
  }
}

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: 'web'
        properties: { privateDnsZoneId: zoneId }
      }
    ]
  }
}
