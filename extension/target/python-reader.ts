// With the grammar of Python: only for the bundle that is loaded when the first file is read.
export { checkPython } from '../../emulator/local/checks/check.ts';
export { hasApps } from '../../emulator/local/python-code/has-apps.ts';
export { readPythonFile, readPythonFileInSteps } from '../../emulator/local/python-code/python-file.ts';
