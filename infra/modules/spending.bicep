// A monthly budget of the resource group and, for an app that is billed by what it runs, an alert within minutes. Neither stops
// anything: they send emails. Costs reach a budget hours later, so a load test needs the alert too.
targetScope = 'resourceGroup'

@description('Unique part of the resource names.')
param token string

@description('Tags of every resource.')
param tags object

@description('Address that gets the emails.')
param email string

@description('Amount of the budget for each month, in the currency of the subscription.')
@minValue(1)
@maxValue(1000000)
param monthlyBudget int

@description('First day of the first month, such as 2026-12-01; empty for the present month.')
param startDate string = ''

@description('Resource id of a Flex Consumption app whose use is watched; empty for none.')
param meteredAppId string = ''

@description('GB-seconds in an hour above which the alert is sent.')
@minValue(1)
@maxValue(1000000)
param gbSecondsPerHour int = 36000

@description('The present month. Bicep allows utcNow only in the default of a parameter.')
param thisMonth string = utcNow('yyyy-MM-01')

var start = empty(startDate) ? thisMonth : startDate

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(meteredAppId)) {
  name: 'people-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'functune'
    enabled: true
    emailReceivers: [{ name: 'owner', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  // The start of a budget cannot be changed, so another start is another budget.
  name: 'budget-${token}-${start}'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: {
      half: {
        enabled: true
        thresholdType: 'Actual'
        operator: 'GreaterThanOrEqualTo'
        threshold: 50
        contactEmails: [email]
      }
      all: {
        enabled: true
        thresholdType: 'Actual'
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        contactEmails: [email]
      }
      forecast: {
        enabled: true
        thresholdType: 'Forecasted'
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        contactEmails: [email]
      }
    }
  }
}

resource use 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(meteredAppId)) {
  name: 'use-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The app used more than ${gbSecondsPerHour} GB-seconds in an hour'
    severity: 2
    enabled: true
    scopes: [meteredAppId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'gb-seconds'
          metricNamespace: 'Microsoft.Web/sites'
          metricName: 'OnDemandFunctionExecutionUnits'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          // The metric counts MB-milliseconds, of which a GB-second has 1,024,000.
          threshold: gbSecondsPerHour * 1024000
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
    autoMitigate: true
  }
}
