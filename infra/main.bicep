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

@description('IDENTITY_ALLOWED_SCOPES: the scopes for which /api/identity/* may request a token, separated by commas. The default is Resource Manager only, since the app uses no other scope.')
param identityAllowedScopes string = '${environment().resourceManager}.default'

@description('PYTHON_ENABLE_DEBUG_LOGGING. Off by default: the worker would send debug records with every call, and measured times would include them.')
param debugLogging bool = false

// --- Optional parts

@description('Put the app into a virtual network and the storage account behind a private endpoint, without public access. Off by default: it costs by the hour, and the identity already protects the data. The app itself stays public.')
param vnetEnabled bool = false

@description('Add an Azure Load Testing resource. Off by default: functune does not need it, and its runs are billed.')
param loadTestingEnabled bool = false

@description('Let the app read its own site (role Reader), so that it can report its live scale settings, which an instance cannot see. It reads nothing else.')
param scaleSettingsReaderEnabled bool = true

@description('Number of days for which logs are kept. The minimum is 30.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Maximum log data per day, GB, so that a load test cannot run up a bill. Logs above it are dropped until the next day. -1 means no limit.')
@minValue(-1)
@maxValue(100)
param logDailyCapGb int = 1

// --- Names

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var tags = { 'azd-env-name': environmentName }
var deploymentContainerName = 'app-package'
var appName = 'func-${token}'

// Storage Blob Data Owner: the host stores its keys and locks in blobs, as well as the deployment package. An app
// with queue triggers, blob triggers or Durable Functions also needs the contributor roles for queues and tables.
var blobOwnerRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')
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

// --- Storage: no account keys, no anonymous access

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
      bypass: 'AzureServices'
      defaultAction: vnetEnabled ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: storage
  name: 'default'
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: deploymentContainerName
}

resource blobOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, identity.id, blobOwnerRoleId)
  scope: storage
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobOwnerRoleId
  }
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  name: 'network'
  params: {
    token: token
    location: location
    tags: tags
    storageAccountId: storage.id
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
    virtualNetworkSubnetId: vnetEnabled ? network!.outputs.appSubnetId : null
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainerName}'
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
      // Set here and not in a resource of their own, so that they exist at the first start of the app. There is no
      // FUNCTIONS_WORKER_PROCESS_COUNT, which is documented as not valid on this plan; premium.bicep has it.
      appSettings: [
        { name: 'AzureWebJobsStorage__blobServiceUri', value: storage.properties.primaryEndpoints.blob }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
        { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.properties.clientId};Authorization=AAD' }
        // The identity that DefaultAzureCredential uses.
        { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
        { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threadCount) }
        { name: 'PYTHON_ENABLE_DEBUG_LOGGING', value: debugLogging ? '1' : '0' }
        { name: 'AzureFunctionsJobHost__functionTimeout', value: functionTimeout }
        { name: 'FETCH_URLS', value: fetchUrls }
        { name: 'FETCH_ALLOWED_HOSTS', value: fetchAllowedHosts }
        { name: 'IDENTITY_ALLOWED_SCOPES', value: identityAllowedScopes }
        // The site whose scale settings the app reads: on this plan, no platform variable names the resource group.
        { name: 'SITE_RESOURCE_ID', value: scaleSettingsReaderEnabled ? resourceId('Microsoft.Web/sites', appName) : '' }
        { name: 'RESOURCE_MANAGER_ENDPOINT', value: environment().resourceManager }
      ]
    }
  }
  dependsOn: [
    deploymentContainer
    blobOwner
  ]
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
