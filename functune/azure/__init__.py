"""An app on Azure: read, changed and restored through Resource Manager. docs/azure-live.md has the assumptions."""
