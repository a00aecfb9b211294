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

@description('Number of instances that always run and are billed all the time. The minimum of the plan is 1.')
@minValue(1)
@maxValue(20)
param minimumInstanceCount int = 1

@description('Maximum number of instances of the app. 4 limits the cost of a load test. Linux allows 20 to 100, depending on the region.')
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

@description('IDENTITY_ALLOWED_SCOPES: the scopes for which /api/identity/* may request a token, separated by commas. The default is Resource Manager only, since the app uses no other scope.')
param identityAllowedScopes string = '${environment().resourceManager}.default'

@description('PYTHON_ENABLE_DEBUG_LOGGING. Off by default: the worker would send debug records with every call, and measured times would include them.')
param debugLogging bool = false

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
var appName = 'func-${token}'

// Storage Blob Data Owner: the host stores its keys and locks in blobs.
var blobOwnerRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')

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

// --- Storage: two accounts, since the plan mounts the app's files from a file share, which requires an account key

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
  }
}

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
  }
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

// --- The plan and the app

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'elastic'
  sku: {
    name: planSku
    tier: 'ElasticPremium'
  }
  properties: {
    reserved: true
    maximumElasticWorkerCount: maximumInstanceCount
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
    siteConfig: {
      linuxFxVersion: 'Python|${pythonVersion}'
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      functionAppScaleLimit: maximumInstanceCount
      minimumElasticInstanceCount: minimumInstanceCount
      preWarmedInstanceCount: preWarmedInstanceCount
      appSettings: [
        { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }
        { name: 'FUNCTIONS_WORKER_RUNTIME', value: 'python' }
        { name: 'FUNCTIONS_WORKER_PROCESS_COUNT', value: string(workerProcessCount) }
        { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threadCount) }
        { name: 'AzureFunctionsJobHost__extensions__http__maxConcurrentRequests', value: string(maxConcurrentRequests) }
        { name: 'AzureFunctionsJobHost__extensions__http__maxOutstandingRequests', value: string(maxOutstandingRequests) }
        { name: 'AzureFunctionsJobHost__functionTimeout', value: functionTimeout }
        { name: 'PYTHON_ENABLE_DEBUG_LOGGING', value: debugLogging ? '1' : '0' }
        // The platform installs the packages when the app is deployed.
        { name: 'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'true' }
        { name: 'ENABLE_ORYX_BUILD', value: 'true' }
        { name: 'AzureWebJobsStorage__blobServiceUri', value: storage.properties.primaryEndpoints.blob }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING', value: 'DefaultEndpointsProtocol=https;AccountName=${contentStorage.name};AccountKey=${contentStorage.listKeys().keys[0].value};EndpointSuffix=${environment().suffixes.storage}' }
        { name: 'WEBSITE_CONTENTSHARE', value: appName }
        { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
        { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.properties.clientId};Authorization=AAD' }
        // The identity that DefaultAzureCredential uses.
        { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
        { name: 'FETCH_URLS', value: fetchUrls }
        { name: 'FETCH_ALLOWED_HOSTS', value: fetchAllowedHosts }
        { name: 'IDENTITY_ALLOWED_SCOPES', value: identityAllowedScopes }
      ]
    }
  }
  dependsOn: [blobOwner]
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = resourceGroup().name
output AZURE_FUNCTION_APP_NAME string = functionApp.name
output SERVICE_API_NAME string = functionApp.name
output SERVICE_API_URI string = 'https://${functionApp.properties.defaultHostName}'
