// With the grammars of Python and TOML: only for the bundle that is loaded when the first file is read.
export { checkPython } from '../../emulator/local/checks/check.ts';
export { projectFacts } from '../../emulator/local/checks/project-facts.ts';
export { hasApps } from '../../emulator/local/python-code/has-apps.ts';
export { readPythonFile, readPythonFileInSteps } from '../../emulator/local/python-code/python-file.ts';
