// A workbook for tuning: the queries of infra/queries on Application Insights, and metrics of the platform.
// The queries need telemetry=full, and the metrics do not.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the Application Insights component.')
param componentId string

@description('Resource id of the function app.')
param appId string

@description('Metrics of the app, each as name, how (sum or max) and title.')
param metrics array

// How the workbook writes an aggregation of a metric.
var aggregations = { sum: 1, max: 3 }
var period = { timeContextFromParameter: 'TimeRange', timeContext: { durationMs: 0 } }
var charts = [
  { name: 'executions', title: 'Calls and failed calls a minute', visualization: 'timechart', query: loadTextContent('../queries/executions.kql') }
  { name: 'instances', title: 'Instances that answered', visualization: 'timechart', query: loadTextContent('../queries/instances.kql') }
  { name: 'new-instances', title: 'New instances and their first call', visualization: 'table', query: loadTextContent('../queries/new-instances.kql') }
  { name: 'p95', title: 'p95 by function, ms', visualization: 'timechart', query: loadTextContent('../queries/p95.kql') }
  { name: 'latency', title: 'Latency by function', visualization: 'table', query: loadTextContent('../queries/latency.kql') }
  { name: 'in-flight', title: 'Queueing: calls in flight on an instance', visualization: 'timechart', query: loadTextContent('../queries/in-flight.kql') }
  { name: 'waiting', title: 'Queueing: share of the time that is waiting, %', visualization: 'timechart', query: loadTextContent('../queries/waiting.kql') }
]
var periodItem = {
  type: 9
  name: 'period'
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [
      {
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Period'
        type: 4
        isRequired: true
        value: { durationMs: 3600000 }
        typeSettings: {
          selectableValues: [{ durationMs: 900000 }, { durationMs: 3600000 }, { durationMs: 14400000 }, { durationMs: 86400000 }]
          allowCustom: true
        }
      }
    ]
  }
}
var queryItems = [
  for chart in charts: {
    type: 3
    name: chart.name
    content: union(period, {
      version: 'KqlItem/1.0'
      title: chart.title
      query: chart.query
      queryType: 0
      resourceType: 'microsoft.insights/components'
      crossComponentResources: [componentId]
      visualization: chart.visualization
      size: 0
    })
  }
]
var metricItems = [
  for metric in metrics: {
    type: 10
    name: metric.name
    content: union(period, {
      version: 'MetricsItem/2.0'
      title: metric.title
      resourceType: 'microsoft.web/sites'
      metricScope: 0
      resourceIds: [appId]
      metrics: [
        {
          namespace: 'microsoft.web/sites'
          metric: 'microsoft.web/sites--${metric.name}'
          aggregation: aggregations[metric.how]
        }
      ]
      chartType: 2
      size: 0
    })
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, token, 'tuning')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Tuning of func-${token}'
    category: 'workbook'
    version: '1.0'
    sourceId: componentId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([periodItem], queryItems, metricItems)
      fallbackResourceIds: [componentId]
    })
  }
}
