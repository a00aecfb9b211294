// A Log Analytics workspace without keys: sending to it requires a role, or a diagnostic setting.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Number of days for which logs are kept.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Maximum log data per day, GB; -1 means no limit.')
@minValue(-1)
@maxValue(100)
param dailyCapGb int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    retentionInDays: retentionDays
    features: { disableLocalAuth: true }
    sku: { name: 'PerGB2018' }
    workspaceCapping: { dailyQuotaGb: dailyCapGb }
  }
}

@description('Resource id of the workspace.')
output id string = workspace.id
