// A bundle of its own, which is loaded when the first file is read.
export { parse as parseToml } from 'smol-toml';
export { hasApps } from './has-apps.ts';
export { readPythonFile, readPythonFileInSteps } from './python-file.ts';
