#!/usr/bin/env bash
# Deploys the resource group, the resources and the app with az. docs/deploy.md describes other ways and the costs.
set -euo pipefail

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    echo "usage: infra/deploy.sh RESOURCE_GROUP LOCATION [small|medium|large]   (default: medium)" >&2
    exit 2
fi
group=$1 location=$2 size=${3:-medium}
cd "$(dirname "$0")/.."
parameters=infra/$size.parameters.json
if [ ! -f "$parameters" ]; then
    echo "infra/deploy.sh: there is no $parameters; give small, medium or large" >&2
    exit 2
fi
if ! command -v az >/dev/null; then
    echo "infra/deploy.sh: az is not installed; see https://learn.microsoft.com/cli/azure/install-azure-cli" >&2
    exit 1
fi

make venv
.venv/bin/python -m tools.package dist/app.zip
az group create --name "$group" --location "$location" --output none
app=$(az deployment group create --resource-group "$group" --template-file infra/main.bicep \
    --parameters "$parameters" --parameters environmentName="$group" \
    --query properties.outputs.AZURE_FUNCTION_APP_NAME.value --output tsv)
az functionapp deployment source config-zip --resource-group "$group" --name "$app" --src dist/app.zip --build-remote true
echo "Deployed: https://$app.azurewebsites.net/api/health"
echo "Clean up with: az group delete --name $group"
