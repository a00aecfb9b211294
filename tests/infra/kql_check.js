// Parses and analyses KQL queries with the language service of Kusto, offline.
//   node kql_check.js FOLDER < {"queries": {"name": "text"}}      FOLDER contains the npm package @kusto/language-service-next
// Prints {"name": ["message of an error or a warning", …]}. The tables are declared in the text itself.
const path = require('node:path');
const folder = process.argv[2];
require(path.join(folder, 'bridge.min.js'));
require(path.join(folder, 'Kusto.Language.Bridge.min.js'));
const { queries } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const found = {};
for (const [name, text] of Object.entries(queries)) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, Kusto.Language.GlobalState.Default);
  const problems = code.GetDiagnostics();
  found[name] = [];
  for (let index = 0; index < problems.Count; index++) {
    const problem = problems.getItem(index);
    if (problem.Severity === 'Error' || problem.Severity === 'Warning') {
      found[name].push(`${problem.Message} (${text.substring(problem.Start, problem.Start + problem.Length)})`);
    }
  }
}
console.log(JSON.stringify(found));
