#!/usr/bin/env bash
# Deploys the resource group, the resources and the app with az, and checks the app. docs/deploy.md describes other ways and
# the costs.
set -euo pipefail

usage="usage: infra/deploy.sh RESOURCE_GROUP LOCATION [small|medium|large|premium] [PARAMETER=VALUE ...]

medium is the default. The name is that of a file infra/NAME.parameters.json, which you may add; one that begins with premium
is for infra/premium.bicep, the others are for infra/main.bicep. A PARAMETER=VALUE overrides the file:

  infra/deploy.sh my-group westeurope small fetchUrls=https://example.com,https://example.org"
if [ $# -lt 2 ]; then
    echo "$usage" >&2
    exit 2
fi
group=$1 location=$2 size=${3:-medium}
shift $(($# < 3 ? 2 : 3))
cd "$(dirname "$0")/.."
parameters=infra/$size.parameters.json
if [ ! -f "$parameters" ]; then
    echo "infra/deploy.sh: there is no $parameters; give small, medium, large, premium, or the name of a file that you add" >&2
    exit 2
fi
for override in "$@"; do
    if [[ $override != [a-z]*=* ]]; then
        echo "infra/deploy.sh: $override is no PARAMETER=VALUE, such as perInstanceConcurrency=16" >&2
        exit 2
    fi
done
if ! command -v az >/dev/null; then
    echo "infra/deploy.sh: az is not installed; see https://learn.microsoft.com/cli/azure/install-azure-cli" >&2
    exit 1
fi
case $size in
premium*) template=premium ;;
*) template=main ;;
esac

output() {
    az deployment group show --resource-group "$group" --name "$template" \
        --query "properties.outputs.$1.value" --output tsv
}

make venv
.venv/bin/python -m tools.package dist/app.zip
# Creating a group needs a role on the subscription; a group that is there does not.
if [ "$(az group exists --name "$group")" != true ]; then
    az group create --name "$group" --location "$location" --output none
fi
az deployment group create --resource-group "$group" --name "$template" --template-file "infra/$template.bicep" \
    --parameters "$parameters" --parameters environmentName="$group" "$@" --output none
app=$(output AZURE_FUNCTION_APP_NAME)
url=$(output SERVICE_API_URI)
az functionapp deployment source config-zip --resource-group "$group" --name "$app" --src dist/app.zip --build-remote true
echo "Deployed: $url/api/health"
echo "Clean up with: az group delete --name $group"
AZURE_RESOURCE_GROUP=$group AZURE_FUNCTION_APP_NAME=$app .venv/bin/python infra/probe.py "$url"
