// Only identities deploy to a site and to its slot: user names and passwords are refused by the deployment endpoint and by FTP.
targetScope = 'resourceGroup'

@description('Name of the site.')
param siteName string

@description('Name of its slot; empty where there is none.')
param slotName string = ''

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: siteName
}

resource siteDeployment 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'scm'
  properties: { allow: false }
}

resource siteFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'ftp'
  properties: { allow: false }
}

resource slot 'Microsoft.Web/sites/slots@2024-11-01' existing = if (!empty(slotName)) {
  parent: site
  name: slotName
}

resource slotDeployment 'Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies@2024-11-01' = if (!empty(slotName)) {
  parent: slot
  name: 'scm'
  properties: { allow: false }
}

resource slotFtp 'Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies@2024-11-01' = if (!empty(slotName)) {
  parent: slot
  name: 'ftp'
  properties: { allow: false }
}
