/** What `minifal check --help` prints. */
export const checkUsage = `minifal check [PATH] [--json]

Looks for mistakes in the apps of a Python file, or of all Python files in a folder (default: this one). Nothing is run.
docs/checks.md describes what is found. Exits with 1 if there is an error or a warning.

  --json   print what was found as JSON, with the edits of quick fixes
`;
