// The showcase app on Container Apps, under Gunicorn: a registry, an environment, and the app with its probes and its scale
// rule. Deploy it twice: without imageTag for the registry, then with the tag of the image that was built into it.
// docs/container-apps.md explains the settings and the costs.
targetScope = 'resourceGroup'

// --- Name and location

@description('Name of this environment. It is part of the tags and, hashed with the resource group, of every resource name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region.')
param location string = resourceGroup().location

@description('Tag of the image functune in the registry, such as 1. If empty, everything but the app is created.')
param imageTag string = ''

// --- Size and scale

@description('Cores of one replica. It has 2 Gi of memory for each core.')
@allowed(['0.25', '0.5', '0.75', '1', '1.25', '1.5', '1.75', '2'])
param cpuCores string = '0.5'

@description('Number of replicas that always run. 0 costs nothing when idle, and the first request then waits for a replica to start.')
@minValue(0)
@maxValue(300)
param minimumReplicaCount int = 0

@description('Maximum number of replicas. It limits the cost, and the load on the services that the app calls.')
@minValue(1)
@maxValue(300)
param maximumReplicaCount int = 10

@description('concurrentRequests of the HTTP scale rule. It is documented as a rate, the requests of the last 15 s divided by 15, and observations disagree; 10 is the default of the platform. Derive your own from a measured throughput.')
@minValue(1)
@maxValue(1000)
param concurrentRequests int = 10

@description('Let everybody reach the app. If false, only apps of the same environment reach it. The app asks for no function key outside of Functions.')
param publicIngressEnabled bool = true

@description('Address ranges that may call the app, such as 203.0.113.0/24, separated by commas. If empty, everybody may.')
param allowedIpRanges string = ''

// --- Concurrency: functune can measure the effect of each of these

@description('WEB_CONCURRENCY: Gunicorn workers in each replica. One per core: more do not compute faster, and each has a copy of the app in memory.')
@minValue(1)
@maxValue(16)
param workerCount int = 1

@description('GUNICORN_WORKER_CLASS: asgi and uvicorn_worker.UvicornWorker serve functune.asgi:app, where async def handlers run on the event loop.')
@allowed(['asgi', 'uvicorn_worker.UvicornWorker'])
param workerClass string = 'asgi'

@description('PYTHON_THREADPOOL_THREAD_COUNT: threads for def handlers in each worker. 16 as on the other plans, so that they can be compared.')
@minValue(1)
@maxValue(1000)
param threadCount int = 16

@description('GUNICORN_TIMEOUT: seconds after which a worker that is silent is replaced. The ingress ends a request after 240 s in any case.')
@minValue(0)
@maxValue(3600)
param timeoutSeconds int = 230

@description('GUNICORN_GRACEFUL_TIMEOUT: seconds for the requests in flight when a replica stops. The platform kills the replica 5 s later.')
@minValue(1)
@maxValue(595)
param gracefulTimeoutSeconds int = 25

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
// The port of the image.
var port = 8000
var memoryOf = {
  '0.25': '0.5Gi'
  '0.5': '1Gi'
  '0.75': '1.5Gi'
  '1': '2Gi'
  '1.25': '2.5Gi'
  '1.5': '3Gi'
  '1.75': '3.5Gi'
  '2': '4Gi'
}
// Without a range, everybody may call; with ranges, only their addresses may.
var allowedRanges = empty(allowedIpRanges) ? [] : split(allowedIpRanges, ',')
var ipRules = [
  for (range, index) in allowedRanges: {
    name: 'allowed-${index}'
    action: 'Allow'
    ipAddressRange: trim(range)
  }
]
var health = { path: '/health', port: port, scheme: 'HTTP' }
// Pulls images from one registry, and nothing else.
var pullRoleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')

// --- Identity: user-assigned, so that it may pull the image before the app first starts

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  name: 'cr${token}'
  location: location
  tags: tags
  sku: { name: 'Basic' }
  properties: {
    adminUserEnabled: false
    // Container Apps pull with a token of Resource Manager.
    policies: { azureADAuthenticationAsArmPolicy: { status: 'enabled' } }
  }
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, identity.id, pullRoleId)
  scope: registry
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: pullRoleId
  }
}

// --- Logs: by a diagnostic setting, since the destination log-analytics needs the key of the workspace

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

resource managedEnvironment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: 'cae-${token}'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    zoneRedundant: false
  }
}

resource environmentLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: managedEnvironment
  properties: {
    workspaceId: workspace.outputs.id
    logs: [
      { category: 'ContainerAppConsoleLogs', enabled: true }
      { category: 'ContainerAppSystemLogs', enabled: true }
    ]
  }
}

// --- The app

resource app 'Microsoft.App/containerApps@2025-01-01' = if (!empty(imageTag)) {
  name: 'ca-${token}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    environmentId: managedEnvironment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: publicIngressEnabled
        allowInsecure: false
        targetPort: port
        transport: 'auto'
        ipSecurityRestrictions: ipRules
      }
      registries: [{ server: registry.properties.loginServer, identity: identity.id }]
    }
    template: {
      terminationGracePeriodSeconds: gracefulTimeoutSeconds + 5
      containers: [
        {
          name: 'app'
          image: '${registry.properties.loginServer}/functune:${imageTag}'
          resources: {
            cpu: json(cpuCores)
            memory: memoryOf[cpuCores]
          }
          env: [
            { name: 'PORT', value: string(port) }
            { name: 'WEB_CONCURRENCY', value: string(workerCount) }
            { name: 'GUNICORN_WORKER_CLASS', value: workerClass }
            { name: 'GUNICORN_TIMEOUT', value: string(timeoutSeconds) }
            { name: 'GUNICORN_GRACEFUL_TIMEOUT', value: string(gracefulTimeoutSeconds) }
            { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threadCount) }
            // The identity that DefaultAzureCredential uses.
            { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
            { name: 'FETCH_URLS', value: fetchUrls }
            { name: 'FETCH_ALLOWED_HOSTS', value: fetchAllowedHosts }
          ]
          // The platform adds none for a template.
          probes: [
            // Up to 60 s for the start; the other probes begin after it.
            { type: 'Startup', httpGet: health, periodSeconds: 6, timeoutSeconds: 3, failureThreshold: 10 }
            // An event loop that is blocked for 15 s gets no more requests ...
            { type: 'Readiness', httpGet: health, periodSeconds: 5, timeoutSeconds: 4, failureThreshold: 3 }
            // ... and one that is blocked for a minute is restarted.
            { type: 'Liveness', httpGet: health, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }
          ]
        }
      ]
      scale: {
        minReplicas: minimumReplicaCount
        maxReplicas: maximumReplicaCount
        rules: [
          {
            name: 'http'
            http: { metadata: { concurrentRequests: string(concurrentRequests) } }
          }
        ]
      }
    }
  }
  dependsOn: [pull]
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
output AZURE_CONTAINER_REGISTRY_NAME string = registry.name
output AZURE_CONTAINER_APP_NAME string = empty(imageTag) ? '' : app.name
output AZURE_CONTAINER_APP_URI string = empty(imageTag) ? '' : 'https://${app!.properties.configuration.ingress.fqdn}'
