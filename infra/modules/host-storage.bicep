// The storage account of a function host: no keys, no anonymous access, and the role of the app's identity on it. With a virtual
// network it has no public access, and a private endpoint for its blobs. Its outputs wait for all of this, so that an app
// that uses one of them does not start before it can read the account.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the app\'s identity, which names the assignment of its role.')
param identityId string

@description('Principal ID of the app\'s identity.')
param principalId string

@description('Name of the container for the package of the app; empty where the plan keeps it elsewhere.')
param containerName string = ''

@description('Close the public access and add the private endpoint.')
param vnetEnabled bool

@description('Subnet of the private endpoints; empty without a virtual network.')
param endpointSubnetId string

@description('Private DNS zone of the blobs; empty without a virtual network.')
param zoneId string

// Storage Blob Data Owner: the host stores its keys and locks in blobs, as well as the deployment package. An app
// with queue triggers, blob triggers or Durable Functions also needs the contributor roles for queues and tables.
var blobOwnerRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: 'st${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: vnetEnabled ? 'Disabled' : 'Enabled'
    networkAcls: {
      // Nothing of Azure comes in but by the private endpoint.
      bypass: vnetEnabled ? 'None' : 'AzureServices'
      defaultAction: vnetEnabled ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: storage
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = if (!empty(containerName)) {
  parent: blobs
  // A name is needed even for a container that is not made.
  name: empty(containerName) ? 'none' : containerName
}

resource blobOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, identityId, blobOwnerRoleId)
  scope: storage
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobOwnerRoleId
  }
}

// The app uses no queues or tables.
module endpoint 'private-endpoint.bicep' = if (vnetEnabled) {
  name: 'blob-endpoint'
  params: {
    name: 'pe-blob-${token}'
    location: location
    tags: tags
    targetId: storage.id
    groupId: 'blob'
    subnetId: endpointSubnetId
    zoneId: zoneId
  }
}

@description('Address of the blobs, with a slash at its end.')
output blobEndpoint string = storage.properties.primaryEndpoints.blob
