// The showcase app on Flex Consumption, with its identity, storage and monitoring, in one resource group.
// Plain resources, no registry modules: it compiles offline. Where the numbers come from: docs/settings.md.
targetScope = 'resourceGroup'

// --- What it is called and where it runs

@description('Name of this environment. It goes into tags and, hashed with the resource group, into every resource name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region. Flex Consumption is not in all of them: az functionapp list-flexconsumption-locations.')
param location string = resourceGroup().location

@description('Python of the app. 3.13 is the version this project is tested on; from it on the worker runs on uvloop.')
@allowed(['3.13', '3.14'])
param pythonVersion string = '3.13'

// --- Concurrency: every one of these can be measured with functune

@description('Memory of one instance, MB. CPU comes with it: typically 0.25, 1 and 2 cores. 2048 is the default of the plan and the smallest size with a whole core.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('HTTP requests one instance gets at a time. Left out, a Python app gets 1 on every size, and each concurrent request starts an instance of its own. 16 is what other languages get with 2048 MB. Measure yours: functune sweep.')
@minValue(1)
@maxValue(1000)
param perInstanceConcurrency int = 16

@description('PYTHON_THREADPOOL_THREAD_COUNT: threads for def functions. As many as requests are let in, so that none waits inside the instance where the scaler cannot see it. Fewer for work that computes. async def functions do not use them. The documents say 32 is the most, the worker has no such limit.')
@minValue(1)
@maxValue(1000)
param threadCount int = perInstanceConcurrency

@description('Most on-demand instances of each scaling group; always-ready ones come on top. It bounds cost and what the app does to the services behind it. 40 is the smallest value that older documents allow as well; newer ones allow 1.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances for HTTP that never scale to zero. 0 costs nothing when idle; each one is billed all the time, and takes the cold start off the first alwaysReadyInstanceCount * perInstanceConcurrency requests.')
@minValue(0)
@maxValue(1000)
param alwaysReadyInstanceCount int = 0

@description('What happens to running calls on a deployment or a changed setting. Recreate, the default of the plan, ends them; RollingUpdate lets them finish and takes some minutes. Documented as a preview.')
@allowed(['Recreate', 'RollingUpdate'])
param siteUpdateStrategy string = 'Recreate'

@description('Longest run of one function, over host.json. 10 minutes end a stuck thread; the front end cuts every HTTP call off after 230 s anyway.')
param functionTimeout string = '00:10:00'

@description('Spread instances over availability zones. Needs a region with zones and at least 2 always-ready instances, hence off.')
param zoneRedundant bool = false

// --- What the app may call

@description('FETCH_URLS: what GET /api/parallel-fetch fetches, separated by commas. Empty, it answers that there is nothing to fetch; POST works still.')
param fetchUrls string = ''

@description('FETCH_ALLOWED_HOSTS: host or host:port the app may call, separated by commas. Empty allows only the hosts of fetchUrls.')
param fetchAllowedHosts string = ''

@description('IDENTITY_ALLOWED_SCOPES: scopes /api/identity/* may ask a token for, separated by commas. Resource Manager alone: the app uses no other.')
param identityAllowedScopes string = '${environment().resourceManager}.default'

@description('PYTHON_ENABLE_DEBUG_LOGGING. Off: the worker would send debug records with every call, and measured times would include them.')
param debugLogging bool = false

// --- Optional parts

@description('Put the storage account behind a private endpoint, with its public access off, and the app into a virtual network. Off: it costs by the hour, and identity already guards the data. The app itself stays public.')
param vnetEnabled bool = false

@description('Add an Azure Load Testing resource. Off: functune measures without it, and its runs are billed.')
param loadTestingEnabled bool = false

@description('Let the app read its own site (role Reader), so that it can report its live scale settings, which no instance can see. It reads nothing else.')
param scaleSettingsReaderEnabled bool = true

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
var deploymentContainerName = 'app-package'
var appName = 'func-${token}'

// Storage Blob Data Owner: the host keeps its keys and locks in blobs, and the deployment package lies there too. An app
// with queue triggers, blob triggers or Durable Functions also needs the contributor roles for queues and tables.
var blobOwnerRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')
var readerRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')

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

// --- Storage: no account keys, no anonymous reading

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
      // Not yet in the types Bicep has for this API version, though documented for it; Bicep only warns.
      #disable-next-line BCP037
      siteUpdateStrategy: { type: siteUpdateStrategy }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      // Here and not in a resource of their own, so that the app finds them at its first start. FUNCTIONS_WORKER_PROCESS_COUNT
      // is missing on purpose: documented as not valid on this plan (premium.bicep has it).
      appSettings: [
        { name: 'AzureWebJobsStorage__blobServiceUri', value: storage.properties.primaryEndpoints.blob }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
        { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.properties.clientId};Authorization=AAD' }
        // Tells DefaultAzureCredential which identity to take.
        { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
        { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threadCount) }
        { name: 'PYTHON_ENABLE_DEBUG_LOGGING', value: debugLogging ? '1' : '0' }
        { name: 'AzureFunctionsJobHost__functionTimeout', value: functionTimeout }
        { name: 'FETCH_URLS', value: fetchUrls }
        { name: 'FETCH_ALLOWED_HOSTS', value: fetchAllowedHosts }
        { name: 'IDENTITY_ALLOWED_SCOPES', value: identityAllowedScopes }
        // Where the app reads its scale settings: on this plan no variable of the platform names the resource group.
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

// azd keeps these in its environment, in upper snake case. None of them is a secret.
output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = resourceGroup().name
output AZURE_FUNCTION_APP_NAME string = functionApp.name
output SERVICE_API_NAME string = functionApp.name
output SERVICE_API_URI string = 'https://${functionApp.properties.defaultHostName}'
output AZURE_LOAD_TESTING_NAME string = loadTestingEnabled ? loadTesting.name : ''
