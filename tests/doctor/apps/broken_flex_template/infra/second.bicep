resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'stock'
  properties: {
    functionAppConfig: {
      // triggers.http.perInstanceConcurrency is not set
      scaleAndConcurrency: { // fault: flex-concurrency-default
        maximumInstanceCount: 100
      }
    }
  }
}
