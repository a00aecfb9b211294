// The showcase app on App Service for Linux, under Gunicorn: B1 with a public address; S1, P0v3 and P1v3 with a staging
// slot, autoscale and, by default, a private address; I1v2 in an App Service Environment with an internal load balancer.
// docs/app-service.md explains the sizes, the settings and the costs.
targetScope = 'resourceGroup'

// --- Name and location

@description('Name of this environment. It is part of the tags and, hashed with the resource group, of every resource name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region.')
param location string = resourceGroup().location

@description('Python version of the app. 3.13 is the version this project is tested on.')
@allowed(['3.13', '3.14'])
param pythonVersion string = '3.13'

// --- Size and network

@description('Size of an instance. B1 and S1 have 1 core and 1.75 GB, P0v3 has 1 core and 4 GB, P1v3 and I1v2 have 2 cores and 8 GB. I1v2 creates an App Service Environment, which takes hours.')
@allowed(['B1', 'S1', 'P0v3', 'P1v3', 'I1v2'])
param planSku string = 'B1'

@description('Give the app a private address only: a private endpoint for the app and for its slot, and a virtual network for its outbound calls. On by default for S1 and higher, since the app asks for no function key outside of Functions. It has no effect with I1v2, which is always private. With a private address, deploy the code from inside the network.')
param privateNetworkEnabled bool = (planSku != 'B1')

@description('Send the outbound calls through a NAT gateway in a virtual network: one fixed address that others can allow, and ports enough for many connections at once. It is billed by the hour and by the GB. It has no effect with I1v2, whose environment has an address of its own.')
param natGatewayEnabled bool = false

@description('Address ranges that may call the app, such as 203.0.113.0/24, separated by commas. If empty, everybody may.')
param allowedIpRanges string = ''

@description('Apply allowedIpRanges to the deployment endpoint too. Off by default: deploying from elsewhere, such as a CI runner, would fail. That endpoint requires an identity in any case.')
param deploymentRestricted bool = false

@description('Number of instances that always run. The plan is billed for each.')
@minValue(1)
@maxValue(30)
param minimumInstanceCount int = 1

@description('Maximum number of instances, to which autoscale adds them; B1 has no autoscale. S1 allows 10.')
@minValue(1)
@maxValue(30)
param maximumInstanceCount int = 3

// --- Concurrency: functune can measure the effect of each of these

@description('WEB_CONCURRENCY: Gunicorn workers on each instance. By default one per core: more do not compute faster, and each has a copy of the app in memory.')
@minValue(1)
@maxValue(16)
param workerCount int = contains(['P1v3', 'I1v2'], planSku) ? 2 : 1

@description('GUNICORN_WORKER_CLASS: asgi and uvicorn_worker.UvicornWorker serve functune.asgi:app, where async def handlers run on the event loop.')
@allowed(['asgi', 'uvicorn_worker.UvicornWorker'])
param workerClass string = 'asgi'

@description('PYTHON_THREADPOOL_THREAD_COUNT: threads for def handlers in each worker. 16 as on the other plans, so that they can be compared.')
@minValue(1)
@maxValue(1000)
param threadCount int = 16

@description('GUNICORN_TIMEOUT: seconds after which a worker that is silent is replaced. The front end ends a request after 230 s in any case.')
@minValue(0)
@maxValue(3600)
param timeoutSeconds int = 230

// --- Outbound calls of the app

@description('FETCH_URLS: the URLs that GET /api/parallel-fetch fetches, separated by commas. If empty, GET answers that there is nothing to fetch; POST still works.')
param fetchUrls string = ''

@description('FETCH_ALLOWED_HOSTS: the hosts that the app may call, each as host or host:port, separated by commas. If empty, only the hosts of fetchUrls are allowed.')
param fetchAllowedHosts string = ''

@description('Number of days for which logs are kept. The minimum is 30.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Maximum log data per day, GB, so that a load test cannot run up a bill. Logs above it are dropped until the next day. -1 means no limit.')
@minValue(-1)
@maxValue(100)
param logDailyCapGb int = 1

@description('Address that gets an email when the monthly budget is half spent, spent or forecast to be spent. If empty, there is no budget and no alert.')
param alertEmail string = ''

@description('Amount of the budget for each month, in the currency of the subscription. It stops nothing.')
@minValue(1)
@maxValue(1000000)
param monthlyBudget int = 50

@description('First day of the first month of the budget, such as 2026-12-01; empty for the present month. Give the same day when you deploy again in a later month: with another day, a second budget is added.')
param budgetStartDate string = ''

// --- Names

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var tags = { 'azd-env-name': environmentName }
var appName = 'app-${token}'
var slotName = 'staging'
var tierOf = { B1: 'Basic', S1: 'Standard', P0v3: 'PremiumV3', P1v3: 'PremiumV3', I1v2: 'IsolatedV2' }
var isIsolated = (planSku == 'I1v2')
var isPrivate = (privateNetworkEnabled && (planSku != 'I1v2'))
var inNetwork = (isPrivate || (natGatewayEnabled && (planSku != 'I1v2')))
var hasSlot = (planSku != 'B1')

// Without a range, everybody may call; with ranges, only their addresses may.
var allowedRanges = empty(allowedIpRanges) ? [] : split(allowedIpRanges, ',')
var ipRules = [
  for (range, index) in allowedRanges: {
    name: 'allowed-${index}'
    priority: 100 + index
    action: 'Allow'
    ipAddress: trim(range)
  }
]

// --- Identity: user-assigned, for the app and its slot. It has no role: the app reads nothing of Azure here.

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module network 'modules/network.bicep' = if (inNetwork) {
  name: 'network'
  params: {
    token: token
    location: location
    tags: tags
    delegation: 'Microsoft.Web/serverFarms'
    zoneNames: isPrivate ? ['privatelink.azurewebsites.net'] : []
    natGatewayEnabled: natGatewayEnabled
  }
}

module hostingEnvironment 'modules/app-service-environment.bicep' = if (isIsolated) {
  name: 'hosting-environment'
  params: {
    token: token
    location: location
    tags: tags
  }
}

// --- The plan and the app

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'linux'
  sku: {
    name: planSku
    tier: tierOf[planSku]
    capacity: minimumInstanceCount
  }
  properties: {
    reserved: true
    hostingEnvironmentProfile: isIsolated ? { id: hostingEnvironment!.outputs.id } : null
  }
}

module autoscale 'modules/autoscale.bicep' = if (hasSlot) {
  name: 'autoscale'
  params: {
    token: token
    location: location
    tags: tags
    planId: plan.id
    minimumInstanceCount: minimumInstanceCount
    maximumInstanceCount: maximumInstanceCount
  }
}

// The slot has the same properties, so that a swap changes the code and nothing else.
var siteProperties = {
  serverFarmId: plan.id
  httpsOnly: true
  clientAffinityEnabled: false
  publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  virtualNetworkSubnetId: inNetwork ? network!.outputs.appSubnetId : null
  outboundVnetRouting: inNetwork ? { allTraffic: true } : null
  siteConfig: {
    linuxFxVersion: 'PYTHON|${pythonVersion}'
    // The platform adds nothing to a command of one's own, so this one is complete.
    appCommandLine: trim(loadTextContent('../hosting/startup.txt'))
    alwaysOn: true
    healthCheckPath: '/health'
    http20Enabled: true
    ftpsState: 'Disabled'
    minTlsVersion: '1.2'
    scmMinTlsVersion: '1.2'
    remoteDebuggingEnabled: false
    ipSecurityRestrictions: ipRules
    ipSecurityRestrictionsDefaultAction: empty(ipRules) ? 'Allow' : 'Deny'
    scmIpSecurityRestrictionsUseMain: deploymentRestricted
    appSettings: [
      // The platform installs these packages when the code is deployed; requirements.txt has only those of the app.
      { name: 'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'true' }
      { name: 'CUSTOM_REQUIREMENTSTXT_PATH', value: 'hosting/requirements.txt' }
      { name: 'WEB_CONCURRENCY', value: string(workerCount) }
      { name: 'GUNICORN_WORKER_CLASS', value: workerClass }
      { name: 'GUNICORN_TIMEOUT', value: string(timeoutSeconds) }
      { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threadCount) }
      // The identity that DefaultAzureCredential uses.
      { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
      { name: 'FETCH_URLS', value: fetchUrls }
      { name: 'FETCH_ALLOWED_HOSTS', value: fetchAllowedHosts }
    ]
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: appName
  location: location
  tags: tags
  kind: 'app,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: siteProperties
}

// AppServiceHTTPLogs is left out: it has the query of every request, and a function key may be in a query.
resource siteLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: site
  properties: {
    workspaceId: workspace.outputs.id
    logs: [
      { category: 'AppServiceConsoleLogs', enabled: true }
      { category: 'AppServicePlatformLogs', enabled: true }
    ]
  }
}

resource slot 'Microsoft.Web/sites/slots@2024-11-01' = if (hasSlot) {
  parent: site
  name: slotName
  location: location
  tags: tags
  kind: 'app,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: siteProperties
}

module deployment 'modules/identities-only.bicep' = {
  name: 'deployment'
  params: {
    siteName: site.name
    slotName: hasSlot ? slotName : ''
  }
  // The policies of the slot need the slot.
  dependsOn: [slot]
}

module siteEndpoint 'modules/private-endpoint.bicep' = if (isPrivate) {
  name: 'site-endpoint'
  params: {
    name: 'pe-site-${token}'
    location: location
    tags: tags
    targetId: site.id
    groupId: 'sites'
    subnetId: network!.outputs.endpointSubnetId
    zoneId: network!.outputs.zoneIds[0]
  }
}

module slotEndpoint 'modules/private-endpoint.bicep' = if (isPrivate && hasSlot) {
  name: 'slot-endpoint'
  params: {
    name: 'pe-${slotName}-${token}'
    location: location
    tags: tags
    targetId: site.id
    groupId: 'sites-${slotName}'
    subnetId: network!.outputs.endpointSubnetId
    zoneId: network!.outputs.zoneIds[0]
  }
  // The group of the slot exists once the slot does.
  dependsOn: [slot]
}

module spending 'modules/spending.bicep' = if (!empty(alertEmail)) {
  name: 'spending'
  params: {
    token: token
    tags: tags
    email: alertEmail
    monthlyBudget: monthlyBudget
    startDate: budgetStartDate
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = resourceGroup().name
output AZURE_WEB_APP_NAME string = site.name
output AZURE_WEB_APP_SLOT string = hasSlot ? slotName : ''
output AZURE_WEB_APP_URI string = 'https://${site.properties.defaultHostName}'
output AZURE_WEB_APP_SLOT_URI string = hasSlot ? 'https://${slot!.properties.defaultHostName}' : ''
