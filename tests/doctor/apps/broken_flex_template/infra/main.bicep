param perInstance int = 32
param threads int = 8

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'orders'
  properties: {
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        triggers: {
          http: { perInstanceConcurrency: perInstance } // fault: concurrency-and-threads
        }
      }
    }
    siteConfig: {
      appSettings: [
        { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: string(threads) }
        { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' } // fault: setting-not-on-plan
        { name: 'WEBSITE_TIME_ZONE', value: 'Europe/Berlin' } // fault: setting-not-on-plan
      ]
    }
  }
}
