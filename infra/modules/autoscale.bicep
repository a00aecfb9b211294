// Autoscale of an App Service plan by its CPU. An app whose handlers wait does not use the CPU, so its plan does not scale
// by these rules: give it enough instances, or a rule for another metric. docs/app-service.md says more.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the plan.')
param planId string

@description('Number of instances that always run.')
@minValue(1)
@maxValue(30)
param minimumInstanceCount int

@description('Maximum number of instances.')
@minValue(1)
@maxValue(30)
param maximumInstanceCount int

resource autoscale 'Microsoft.Insights/autoscalesettings@2022-10-01' = {
  name: 'scale-${token}'
  location: location
  tags: tags
  properties: {
    enabled: true
    targetResourceUri: planId
    profiles: [
      {
        name: 'cpu'
        capacity: {
          minimum: string(minimumInstanceCount)
          maximum: string(maximumInstanceCount)
          default: string(minimumInstanceCount)
        }
        rules: [
          {
            metricTrigger: {
              metricName: 'CpuPercentage'
              metricResourceUri: planId
              operator: 'GreaterThan'
              threshold: 70
              statistic: 'Average'
              timeAggregation: 'Average'
              timeGrain: 'PT1M'
              timeWindow: 'PT5M'
            }
            scaleAction: {
              direction: 'Increase'
              type: 'ChangeCount'
              value: '1'
              cooldown: 'PT5M'
            }
          }
          {
            // Half of the upper threshold or less: taking one of two instances away must not cross it again.
            metricTrigger: {
              metricName: 'CpuPercentage'
              metricResourceUri: planId
              operator: 'LessThan'
              threshold: 30
              statistic: 'Average'
              timeAggregation: 'Average'
              timeGrain: 'PT1M'
              timeWindow: 'PT10M'
            }
            scaleAction: {
              direction: 'Decrease'
              type: 'ChangeCount'
              value: '1'
              cooldown: 'PT10M'
            }
          }
        ]
      }
    ]
  }
}
