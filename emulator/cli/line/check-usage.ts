/** What `minifal check --help` prints. */
export const checkUsage = `minifal check [PATH] [--public] [--json]

Looks for mistakes in the apps of a Python file, or of all Python files in a folder (default: this one). Nothing is run.
docs/checks.md describes what is found. Exits with 1 if there is an error or a warning.

  --public what the apps lack before others can use them, too (docs/public-apps.md): auth mode, schema, examples,
           limits, health check, billable units, licence, picture
  --json   print what was found as JSON, with the edits of quick fixes
`;
