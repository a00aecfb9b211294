// Logs and metrics: a workspace, an Application Insights component, and the role to send to it. Keys are disabled.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Principal ID of the app\'s identity, which may send telemetry.')
param publisherPrincipalId string

@description('Number of days for which logs are kept.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Maximum log data per day, GB; -1 means no limit.')
@minValue(-1)
@maxValue(100)
param dailyCapGb int

// Monitoring Metrics Publisher, on this component only.
var publisherRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')

module workspace 'workspace.bicep' = {
  name: 'workspace'
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyCapGb: dailyCapGb
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.outputs.id
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, publisherPrincipalId, publisherRoleId)
  scope: component
  properties: {
    principalId: publisherPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: publisherRoleId
  }
}

@description('Resource id of the component.')
output componentId string = component.id

@description('Destination of the telemetry. It is not a secret: local authentication is disabled, so sending requires a role.')
output connectionString string = component.properties.ConnectionString
