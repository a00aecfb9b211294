// A private endpoint of one resource, such as a site, one of its slots, or the blobs of a storage account, and its records in
// the private DNS zone. For a site, these are the app's own name and the one of its deployment endpoint.
targetScope = 'resourceGroup'

@description('Name of the private endpoint.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the resource that the endpoint leads to; for a slot, that of its site.')
param targetId string

@description('Part of that resource: blob or file of a storage account, sites, or sites-<name of the slot>.')
param groupId string

@description('Subnet of the private endpoints.')
param subnetId string

@description('Private DNS zone of the address.')
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
          privateLinkServiceId: targetId
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
        name: groupId
        properties: { privateDnsZoneId: zoneId }
      }
    ]
  }
}
