// The showcase app on the Premium plan: the plan where FUNCTIONS_WORKER_PROCESS_COUNT is documented to count.
// Two or more worker processes put Python on more than one core of an instance. It never scales to zero: see the cost
// in docs/deploy.md before deploying it. Where the numbers come from: docs/settings.md.
targetScope = 'resourceGroup'

// --- What it is called and where it runs

@description('Name of this environment. It goes into tags and, hashed with the resource group, into every resource name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region.')
param location string = resourceGroup().location

@description('Python of the app. 3.13 is the version this project is tested on; from it on the worker runs on uvloop.')
@allowed(['3.13', '3.14'])
param pythonVersion string = '3.13'

// --- Concurrency: every one of these can be measured with functune

@description('Size of an instance: EP1 has 1 core and 3.5 GB, EP2 2 and 7, EP3 4 and 14. EP2 is the smallest on which a second worker process has a core of its own.')
@allowed(['EP1', 'EP2', 'EP3'])
param planSku string = 'EP2'

@description('FUNCTIONS_WORKER_PROCESS_COUNT: Python processes on each instance. 2, one for each core of EP2: more do not compute faster and each holds a copy of the app in memory. The host starts the third and later ones 10 s apart.')
@minValue(1)
@maxValue(10)
param workerProcessCount int = 2

@description('PYTHON_THREADPOOL_THREAD_COUNT: threads for def functions in each process. 16 as on Flex Consumption, so that the plans compare. async def functions do not use them. The documents say 32 is the most, the worker has no such limit.')
@minValue(1)
@maxValue(1000)
param threadCount int = 16

@description('host.json maxConcurrentRequests: calls one instance runs at a time; others wait. -1 for no limit, the default of the host: set a limit only to what a measurement shows.')
@minValue(-1)
@maxValue(10000)
param maxConcurrentRequests int = -1

@description('host.json maxOutstandingRequests: calls one instance runs or keeps waiting; beyond it the answer is 429. -1 for no limit, the default of the host.')
@minValue(-1)
@maxValue(10000)
param maxOutstandingRequests int = -1

@description('Instances that always run, and are billed all the time. 1 is the least the plan takes.')
@minValue(1)
@maxValue(20)
param minimumInstanceCount int = 1

@description('Most instances of the app. 4 bounds the cost of a load test; Linux allows 20 to 100, by region.')
@minValue(1)
@maxValue(100)
param maximumInstanceCount int = 4

@description('Instances kept warm beyond those in use, so that scaling out has no cold start. 1 is the default of the plan.')
@minValue(0)
@maxValue(20)
param preWarmedInstanceCount int = 1

@description('Longest run of one function, over host.json. 10 minutes end a stuck thread; the front end cuts every HTTP call off after 230 s anyway.')
param functionTimeout string = '00:10:00'

// --- What the app may call

@description('FETCH_URLS: what GET /api/parallel-fetch fetches, separated by commas. Empty, it answers that there is nothing to fetch; POST works still.')
param fetchUrls string = ''

@description('FETCH_ALLOWED_HOSTS: host or host:port the app may call, separated by commas. Empty allows only the hosts of fetchUrls.')
param fetchAllowedHosts string = ''

@description('IDENTITY_ALLOWED_SCOPES: scopes /api/identity/* may ask a token for, separated by commas. Resource Manager alone: the app uses no other.')
param identityAllowedScopes string = '${environment().resourceManager}.default'

@description('PYTHON_ENABLE_DEBUG_LOGGING. Off: the worker would send debug records with every call, and measured times would include them.')
param debugLogging bool = false

@description('Days that logs are kept. 30 is the least.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Most log data a day, GB, so that a load test cannot run up a bill; logs beyond it are dropped until the next day. -1 for no limit.')
@minValue(-1)
@maxValue(100)
param logDailyCapGb int = 1

// --- Names

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var tags = { 'azd-env-name': environmentName }
var appName = 'func-${token}'

// Storage Blob Data Owner: the host keeps its keys and locks in blobs.
var blobOwnerRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')

// --- Identity: user-assigned, so that its roles are there before the app first starts

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

// --- Storage: two accounts, since the plan mounts the app's files from a share, and a share opens only with a key

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
    // The one account with keys. It holds the app's code and nothing else.
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
        // Packages are installed there when the app is deployed.
        { name: 'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'true' }
        { name: 'ENABLE_ORYX_BUILD', value: 'true' }
        { name: 'AzureWebJobsStorage__blobServiceUri', value: storage.properties.primaryEndpoints.blob }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING', value: 'DefaultEndpointsProtocol=https;AccountName=${contentStorage.name};AccountKey=${contentStorage.listKeys().keys[0].value};EndpointSuffix=${environment().suffixes.storage}' }
        { name: 'WEBSITE_CONTENTSHARE', value: appName }
        { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
        { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.properties.clientId};Authorization=AAD' }
        // Tells DefaultAzureCredential which identity to take.
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
