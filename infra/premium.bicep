// The showcase app on the Premium plan, for which FUNCTIONS_WORKER_PROCESS_COUNT is documented to take effect.
// With two or more worker processes, Python uses more than one core of an instance. The plan never scales to zero: see
// the costs in docs/deploy.md before you deploy it. docs/settings.md explains the numbers.
targetScope = 'resourceGroup'

// --- Name and location

@description('Name of this environment. It is part of the tags and, hashed with the resource group, of every resource name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region.')
param location string = resourceGroup().location

@description('Python version of the app. 3.13 is the version this project is tested on. From 3.13 on, the worker runs on uvloop.')
@allowed(['3.13', '3.14'])
param pythonVersion string = '3.13'

// --- Concurrency: functune can measure the effect of each of these

@description('Size of an instance: EP1 has 1 core and 3.5 GB, EP2 has 2 and 7, EP3 has 4 and 14. EP2 is the smallest size on which a second worker process has a core of its own.')
@allowed(['EP1', 'EP2', 'EP3'])
param planSku string = 'EP2'

@description('FUNCTIONS_WORKER_PROCESS_COUNT: worker processes on each instance. The default is 2, one for each core of EP2: more do not compute faster, and each has a copy of the app in memory. The host starts the third and later ones 10 s apart.')
@minValue(1)
@maxValue(10)
param workerProcessCount int = 2

@description('PYTHON_THREADPOOL_THREAD_COUNT: threads for def functions in each process. 16 as on Flex Consumption, so that the plans can be compared. async def functions do not use these threads. The documented maximum is 32; the worker has no such limit.')
@minValue(1)
@maxValue(1000)
param threadCount int = 16

@description('maxConcurrentRequests of host.json: number of calls that one instance runs at a time; others wait. -1, the default of the host, means no limit. Set a limit only after measuring.')
@minValue(-1)
@maxValue(10000)
param maxConcurrentRequests int = -1

@description('maxOutstandingRequests of host.json: number of calls that one instance runs or queues; others get 429. -1, the default of the host, means no limit.')
@minValue(-1)
@maxValue(10000)
param maxOutstandingRequests int = -1

@description('Number of instances that always run and are billed all the time: the capacity of the plan. The minimum of the plan is 1.')
@minValue(1)
@maxValue(20)
param minimumInstanceCount int = 1

@description('Maximum number of instances, of the plan and of the app. 4 limits the cost of a load test. Linux allows 20 to 100, depending on the region.')
@minValue(1)
@maxValue(100)
param maximumInstanceCount int = 4

@description('Number of warm instances in addition to those in use, so that scaling out has no cold start. 1 is the default of the plan.')
@minValue(0)
@maxValue(20)
param preWarmedInstanceCount int = 1

@description('Longest run of a function; overrides host.json. 10 minutes end a stuck thread. The front end ends every HTTP call after 230 s in any case.')
param functionTimeout string = '00:10:00'

// --- Outbound calls of the app

@description('FETCH_URLS: the URLs that GET /api/parallel-fetch fetches, separated by commas. If empty, GET answers that there is nothing to fetch; POST still works.')
param fetchUrls string = ''

@description('FETCH_ALLOWED_HOSTS: the hosts that the app may call, each as host or host:port, separated by commas. If empty, only the hosts of fetchUrls are allowed.')
param fetchAllowedHosts string = ''

@description('IDENTITY_ALLOWED_SCOPES: the scopes for which /api/identity/* may request a token, separated by commas. If empty, Resource Manager only, since the app uses no other scope.')
param identityAllowedScopes string = ''

@description('PYTHON_ENABLE_DEBUG_LOGGING. Off by default: the worker would send debug records with every call, and measured times would include them.')
param debugLogging bool = false

// --- Slot and network

@description('Add a slot named staging, to deploy to and to swap from. It runs on the same instances and shares their cores and memory.')
param stagingSlotEnabled bool = false

@description('Set it to true while the app and its slot are swapped, after an odd number of swaps. A swap exchanges their shares with the code; without this, deploying the template would put the former code back.')
param slotsSwapped bool = false

@description('Put the app into a virtual network and both storage accounts behind private endpoints, without public access. Off by default: it costs by the hour. The app itself stays public unless publicNetworkAccess says otherwise.')
param vnetEnabled bool = false

@description('Send the outbound calls through a NAT gateway in a virtual network: one fixed address that others can allow, and ports enough for many connections at once. It is billed by the hour and by the GB.')
param natGatewayEnabled bool = false

@description('Disabled closes the public addresses of the app, of its slot and of their deployment endpoints. With vnetEnabled, they then have private endpoints: deploy and call from inside that network.')
@allowed(['Enabled', 'Disabled'])
param publicNetworkAccess string = 'Enabled'

@description('Address ranges that may call the app, such as 203.0.113.0/24, separated by commas. If empty, everybody may.')
param allowedIpRanges string = ''

@description('Apply allowedIpRanges to the deployment endpoint too. Off by default: deploying from elsewhere, such as a CI runner, would fail. That endpoint requires an identity in any case.')
param deploymentRestricted bool = false

// --- Logs and spending

@description('What Application Insights gets. full: a record of each call, sampled under load, and the aggregates, which the workbook needs. failures: failed calls and warnings only, which costs less.')
@allowed(['full', 'failures'])
param telemetry string = 'full'

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
var appName = 'func-${token}'
var slotName = 'staging'
var inNetwork = (vnetEnabled || natGatewayEnabled)
var isPrivate = (vnetEnabled && (publicNetworkAccess == 'Disabled'))
var storageZones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.file.${environment().suffixes.storage}'
]
var siteZone = 'privatelink.azurewebsites.net'
// By the documentation, the platform chooses the share. Behind a private endpoint it has to exist before, so it needs a name.
// A swap exchanges the shares, so a template that is deployed afterwards has to exchange them too.
var stagingShare = '${appName}-${slotName}'
var appShare = slotsSwapped ? stagingShare : appName
var slotShare = slotsSwapped ? appName : stagingShare

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

// --- Identity: user-assigned, so that its roles exist before the app first starts

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    token: token
    location: location
    tags: tags
    publisherPrincipalId: identity.properties.principalId
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

// --- Storage and network: two accounts, since the plan mounts the app's files from a file share, which requires an account key

resource contentStorage 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: 'stc${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    // The only account with keys. It contains the code of the app and nothing else.
    allowSharedKeyAccess: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: vnetEnabled ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: vnetEnabled ? 'None' : 'AzureServices'
      defaultAction: vnetEnabled ? 'Deny' : 'Allow'
    }
  }
}

// The shares exist before the app: behind a private endpoint the platform cannot create them.
resource contentFiles 'Microsoft.Storage/storageAccounts/fileServices@2025-01-01' = {
  parent: contentStorage
  name: 'default'
}

resource contentShares 'Microsoft.Storage/storageAccounts/fileServices/shares@2025-01-01' = [
  for name in [appName, stagingShare]: {
    parent: contentFiles
    name: name
  }
]

module network 'modules/network.bicep' = if (inNetwork) {
  name: 'network'
  params: {
    token: token
    location: location
    tags: tags
    delegation: 'Microsoft.Web/serverFarms'
    zoneNames: concat(vnetEnabled ? storageZones : [], isPrivate ? [siteZone] : [])
    natGatewayEnabled: natGatewayEnabled
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  name: 'host-storage'
  params: {
    token: token
    location: location
    tags: tags
    identityId: identity.id
    principalId: identity.properties.principalId
    vnetEnabled: vnetEnabled
    endpointSubnetId: vnetEnabled ? network!.outputs.endpointSubnetId : ''
    zoneId: vnetEnabled ? network!.outputs.zoneIds[0] : ''
  }
}

module fileEndpoint 'modules/private-endpoint.bicep' = if (vnetEnabled) {
  name: 'file-endpoint'
  params: {
    name: 'pe-file-${token}'
    location: location
    tags: tags
    targetId: contentStorage.id
    groupId: 'file'
    subnetId: network!.outputs.endpointSubnetId
    zoneId: network!.outputs.zoneIds[1]
  }
}

// --- The plan and the app

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'elastic'
  sku: {
    name: planSku
    tier: 'ElasticPremium'
    capacity: minimumInstanceCount
  }
  properties: {
    reserved: true
    maximumElasticWorkerCount: maximumInstanceCount
  }
}

var settings = [
  { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }
  { name: 'FUNCTIONS_WORKER_RUNTIME', value: 'python' }
  { name: 'FUNCTIONS_WORKER_PROCESS_COUNT', value: string(workerProcessCount) }
  { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threadCount) }
  { name: 'AzureFunctionsJobHost__extensions__http__maxConcurrentRequests', value: string(maxConcurrentRequests) }
  { name: 'AzureFunctionsJobHost__extensions__http__maxOutstandingRequests', value: string(maxOutstandingRequests) }
  { name: 'AzureFunctionsJobHost__functionTimeout', value: functionTimeout }
  // host.json has Warning for everything, which drops the records of calls and the aggregates: both are Information.
  { name: 'AzureFunctionsJobHost__logging__logLevel__Host', value: (telemetry == 'full') ? 'Information' : 'Warning' }
  { name: 'PYTHON_ENABLE_DEBUG_LOGGING', value: debugLogging ? '1' : '0' }
  // The platform installs the packages when the code is sent. There is no ENABLE_ORYX_BUILD: az removes it when it sends code,
  // and the next deployment of the template would put it back and restart the app.
  { name: 'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'true' }
  { name: 'AzureWebJobsStorage__blobServiceUri', value: hostStorage.outputs.blobEndpoint }
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
  { name: 'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING', value: 'DefaultEndpointsProtocol=https;AccountName=${contentStorage.name};AccountKey=${contentStorage.listKeys().keys[0].value};EndpointSuffix=${environment().suffixes.storage}' }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.properties.clientId};Authorization=AAD' }
  // The identity that DefaultAzureCredential uses.
  { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
  { name: 'FETCH_URLS', value: fetchUrls }
  { name: 'FETCH_ALLOWED_HOSTS', value: fetchAllowedHosts }
  { name: 'IDENTITY_ALLOWED_SCOPES', value: empty(identityAllowedScopes) ? '${environment().resourceManager}.default' : identityAllowedScopes }
]

// The slot has the same, so that a swap changes the code and nothing else.
var siteProperties = {
  serverFarmId: plan.id
  httpsOnly: true
  clientAffinityEnabled: false
  publicNetworkAccess: publicNetworkAccess
  virtualNetworkSubnetId: inNetwork ? network!.outputs.appSubnetId : null
  outboundVnetRouting: inNetwork ? { allTraffic: true, contentShareTraffic: vnetEnabled } : null
}
var siteConfig = {
  linuxFxVersion: 'Python|${pythonVersion}'
  minTlsVersion: '1.2'
  scmMinTlsVersion: '1.2'
  ftpsState: 'Disabled'
  remoteDebuggingEnabled: false
  // An instance that does not answer gets no calls while another does, and is replaced.
  healthCheckPath: '/health'
  functionAppScaleLimit: maximumInstanceCount
  minimumElasticInstanceCount: minimumInstanceCount
  preWarmedInstanceCount: preWarmedInstanceCount
  ipSecurityRestrictions: ipRules
  ipSecurityRestrictionsDefaultAction: empty(ipRules) ? 'Allow' : 'Deny'
  scmIpSecurityRestrictionsUseMain: deploymentRestricted
}

resource functionApp 'Microsoft.Web/sites@2024-11-01' = {
  name: appName
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: union(siteProperties, {
    siteConfig: union(siteConfig, {
      appSettings: concat(settings, [{ name: 'WEBSITE_CONTENTSHARE', value: appShare }])
    })
  })
  dependsOn: [contentShares, fileEndpoint]
}

resource slot 'Microsoft.Web/sites/slots@2024-11-01' = if (stagingSlotEnabled) {
  parent: functionApp
  name: slotName
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: union(siteProperties, {
    siteConfig: union(siteConfig, {
      appSettings: concat(settings, [{ name: 'WEBSITE_CONTENTSHARE', value: slotShare }])
    })
  })
}

module deployment 'modules/identities-only.bicep' = {
  name: 'deployment'
  params: {
    siteName: functionApp.name
    slotName: stagingSlotEnabled ? slotName : ''
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
    targetId: functionApp.id
    groupId: 'sites'
    subnetId: network!.outputs.endpointSubnetId
    zoneId: network!.outputs.zoneIds[2]
  }
}

module slotEndpoint 'modules/private-endpoint.bicep' = if (isPrivate && stagingSlotEnabled) {
  name: 'slot-endpoint'
  params: {
    name: 'pe-${slotName}-${token}'
    location: location
    tags: tags
    targetId: functionApp.id
    groupId: 'sites-${slotName}'
    subnetId: network!.outputs.endpointSubnetId
    zoneId: network!.outputs.zoneIds[2]
  }
  // The group of the slot exists once the slot does.
  dependsOn: [slot]
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    token: token
    location: location
    tags: tags
    componentId: monitoring.outputs.componentId
    appId: functionApp.id
    metrics: [
      { name: 'MemoryWorkingSet', how: 'max', title: 'Memory of the largest instance, bytes' }
    ]
  }
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
output AZURE_FUNCTION_APP_NAME string = functionApp.name
output AZURE_FUNCTION_APP_SLOT string = stagingSlotEnabled ? slotName : ''
output SERVICE_API_NAME string = functionApp.name
output SERVICE_API_URI string = 'https://${functionApp.properties.defaultHostName}'
output SERVICE_API_SLOT_URI string = stagingSlotEnabled ? 'https://${slot!.properties.defaultHostName}' : ''
