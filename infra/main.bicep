// The showcase app on Flex Consumption, with its identity, storage and monitoring, in one resource group.
// It uses plain resources and no registry modules, so it compiles offline. docs/settings.md explains the numbers.
targetScope = 'resourceGroup'

// --- Name and location

@description('Name of this environment. It is part of the tags and, hashed with the resource group, of every resource name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region. Not all of them offer Flex Consumption: see az functionapp list-flexconsumption-locations.')
param location string = resourceGroup().location

@description('Python version of the app. 3.13 is the version this project is tested on. From 3.13 on, the worker runs on uvloop.')
@allowed(['3.13', '3.14'])
param pythonVersion string = '3.13'

// --- Concurrency: functune can measure the effect of each of these

@description('Memory of one instance, MB. It determines the CPU: typically 0.25, 1 and 2 cores. 2048 is the default of the plan and the smallest size with a whole core.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Number of HTTP requests that one instance gets at a time. The platform default for Python is 1 on every size, where each concurrent request starts an instance of its own. 16 is the default of other languages with 2048 MB. Measure your own value: functune sweep.')
@minValue(1)
@maxValue(1000)
param perInstanceConcurrency int = 16

@description('PYTHON_THREADPOOL_THREAD_COUNT: threads for def functions. By default as many as perInstanceConcurrency, so that no request waits inside the instance, where the scale controller cannot see it. Use fewer for functions that compute. async def functions do not use these threads. The documented maximum is 32; the worker has no such limit.')
@minValue(1)
@maxValue(1000)
param threadCount int = perInstanceConcurrency

@description('Maximum number of on-demand instances of each scaling group; always-ready instances are extra. It limits the cost, and the load on the services that the app calls. 40 is the smallest value that older documentation allows; newer documentation allows 1.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Number of instances for HTTP that never scale to zero. 0 costs nothing when idle. Each instance is billed all the time and avoids the cold start for perInstanceConcurrency requests.')
@minValue(0)
@maxValue(1000)
param alwaysReadyInstanceCount int = 0

@description('Treatment of running calls during a deployment or a change of settings. Recreate, the default of the plan, ends them. RollingUpdate lets them finish and takes some minutes; it is documented as a preview.')
@allowed(['Recreate', 'RollingUpdate'])
param siteUpdateStrategy string = 'Recreate'

@description('Longest run of a function; overrides host.json. 10 minutes end a stuck thread. The front end ends every HTTP call after 230 s in any case.')
param functionTimeout string = '00:10:00'

@description('Spread the instances over availability zones. Off by default: it needs a region with zones and at least 2 always-ready instances.')
param zoneRedundant bool = false

// --- Outbound calls of the app

@description('FETCH_URLS: the URLs that GET /api/parallel-fetch fetches, separated by commas. If empty, GET answers that there is nothing to fetch; POST still works.')
param fetchUrls string = ''

@description('FETCH_ALLOWED_HOSTS: the hosts that the app may call, each as host or host:port, separated by commas. If empty, only the hosts of fetchUrls are allowed.')
param fetchAllowedHosts string = ''

@description('IDENTITY_ALLOWED_SCOPES: the scopes for which /api/identity/* may request a token, separated by commas. If empty, Resource Manager only, since the app uses no other scope.')
param identityAllowedScopes string = ''

@description('PYTHON_ENABLE_DEBUG_LOGGING. Off by default: the worker would send debug records with every call, and measured times would include them.')
param debugLogging bool = false

// --- Optional parts

@description('Put the app into a virtual network and the storage account behind a private endpoint, without public access. Off by default: it costs by the hour, and the identity already protects the data. The app itself stays public unless publicNetworkAccess says otherwise.')
param vnetEnabled bool = false

@description('Send the outbound calls through a NAT gateway in a virtual network: one fixed address that others can allow, and ports enough for many connections at once. It is billed by the hour and by the GB.')
param natGatewayEnabled bool = false

@description('Disabled closes the public address of the app and of its deployment endpoint. With vnetEnabled, the app then has a private endpoint: deploy and call from inside that network.')
@allowed(['Enabled', 'Disabled'])
param publicNetworkAccess string = 'Enabled'

@description('Address ranges that may call the app, such as 203.0.113.0/24, separated by commas. If empty, everybody may.')
param allowedIpRanges string = ''

@description('Apply allowedIpRanges to the deployment endpoint too. Off by default: deploying from elsewhere, such as a CI runner, would fail. That endpoint requires an identity in any case.')
param deploymentRestricted bool = false

@description('Add an Azure Load Testing resource. Off by default: functune does not need it, and its runs are billed.')
param loadTestingEnabled bool = false

@description('Let the app read its own site (role Reader), so that it can report its live scale settings, which an instance cannot see. It reads nothing else.')
param scaleSettingsReaderEnabled bool = true

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

@description('GB-seconds on demand in an hour above which alertEmail gets an email within minutes; costs reach the budget hours later. One busy 2048 MB instance uses 7,200 in an hour.')
@minValue(1)
@maxValue(1000000)
param alertGbSecondsPerHour int = 36000

// --- Names

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var tags = { 'azd-env-name': environmentName }
var deploymentContainerName = 'app-package'
var appName = 'func-${token}'
var inNetwork = (vnetEnabled || natGatewayEnabled)
var isPrivate = (vnetEnabled && (publicNetworkAccess == 'Disabled'))
var blobZone = 'privatelink.blob.${environment().suffixes.storage}'
var siteZone = 'privatelink.azurewebsites.net'

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

var readerRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')

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

// --- Storage and network

module network 'modules/network.bicep' = if (inNetwork) {
  name: 'network'
  params: {
    token: token
    location: location
    tags: tags
    delegation: 'Microsoft.App/environments'
    zoneNames: concat(vnetEnabled ? [blobZone] : [], isPrivate ? [siteZone] : [])
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
    containerName: deploymentContainerName
    vnetEnabled: vnetEnabled
    endpointSubnetId: vnetEnabled ? network!.outputs.endpointSubnetId : ''
    zoneId: vnetEnabled ? network!.outputs.zoneIds[0] : ''
  }
}

// --- The plan and the app

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
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
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: publicNetworkAccess
    virtualNetworkSubnetId: inNetwork ? network!.outputs.appSubnetId : null
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.outputs.blobEndpoint}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: (alwaysReadyInstanceCount == 0) ? [] : [{ name: 'http', instanceCount: alwaysReadyInstanceCount }]
        triggers: {
          http: { perInstanceConcurrency: perInstanceConcurrency }
        }
      }
      // Documented for this API version, but missing in the types of Bicep, which only warns.
      #disable-next-line BCP037
      siteUpdateStrategy: { type: siteUpdateStrategy }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ipSecurityRestrictions: ipRules
      ipSecurityRestrictionsDefaultAction: empty(ipRules) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictionsUseMain: deploymentRestricted
      // Set here and not in a resource of their own, so that they exist at the first start of the app. There is no
      // FUNCTIONS_WORKER_PROCESS_COUNT, which is documented as not valid on this plan; premium.bicep has it.
      appSettings: [
        { name: 'AzureWebJobsStorage__blobServiceUri', value: hostStorage.outputs.blobEndpoint }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
        { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.properties.clientId};Authorization=AAD' }
        // The identity that DefaultAzureCredential uses.
        { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
        { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threadCount) }
        { name: 'PYTHON_ENABLE_DEBUG_LOGGING', value: debugLogging ? '1' : '0' }
        { name: 'AzureFunctionsJobHost__functionTimeout', value: functionTimeout }
        // host.json has Warning for everything, which drops the records of calls and the aggregates: both are Information.
        { name: 'AzureFunctionsJobHost__logging__logLevel__Host', value: (telemetry == 'full') ? 'Information' : 'Warning' }
        { name: 'FETCH_URLS', value: fetchUrls }
        { name: 'FETCH_ALLOWED_HOSTS', value: fetchAllowedHosts }
        { name: 'IDENTITY_ALLOWED_SCOPES', value: empty(identityAllowedScopes) ? '${environment().resourceManager}.default' : identityAllowedScopes }
        // The site whose scale settings the app reads: on this plan, no platform variable names the resource group.
        { name: 'SITE_RESOURCE_ID', value: scaleSettingsReaderEnabled ? resourceId('Microsoft.Web/sites', appName) : '' }
        { name: 'RESOURCE_MANAGER_ENDPOINT', value: environment().resourceManager }
      ]
    }
  }
}

module deployment 'modules/identities-only.bicep' = {
  name: 'deployment'
  params: {
    // The plan has no slots.
    siteName: functionApp.name
  }
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
    zoneId: network!.outputs.zoneIds[1]
  }
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
      { name: 'InstanceCount', how: 'max', title: 'Instances, idle ones too' }
      { name: 'OnDemandFunctionExecutionUnits', how: 'sum', title: 'Billed use on demand, MB-milliseconds: 1,024,000 are a GB-second' }
      { name: 'AlwaysReadyFunctionExecutionUnits', how: 'sum', title: 'Billed use of always-ready instances while they run, MB-milliseconds' }
      { name: 'AlwaysReadyUnits', how: 'sum', title: 'Billed baseline of always-ready instances, MB-milliseconds' }
      { name: 'OnDemandFunctionExecutionCount', how: 'sum', title: 'Billed executions' }
      { name: 'CpuPercentage', how: 'max', title: 'CPU of the busiest instance, %' }
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
    meteredAppId: functionApp.id
    gbSecondsPerHour: alertGbSecondsPerHour
  }
}

resource scaleSettingsReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (scaleSettingsReaderEnabled) {
  name: guid(functionApp.id, identity.id, readerRoleId)
  scope: functionApp
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: readerRoleId
  }
}

resource loadTesting 'Microsoft.LoadTestService/loadTests@2022-12-01' = if (loadTestingEnabled) {
  name: 'lt-${token}'
  location: location
  tags: tags
  properties: {
    description: 'Load tests of ${functionApp.name}'
  }
}

// azd stores the outputs in its environment, in upper snake case. None of them is a secret.
output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = resourceGroup().name
output AZURE_FUNCTION_APP_NAME string = functionApp.name
output SERVICE_API_NAME string = functionApp.name
output SERVICE_API_URI string = 'https://${functionApp.properties.defaultHostName}'
output AZURE_LOAD_TESTING_NAME string = loadTestingEnabled ? loadTesting.name : ''
