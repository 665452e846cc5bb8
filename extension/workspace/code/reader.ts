// A bundle of its own, which is loaded when the first file is read.
export { parse as parseToml } from 'smol-toml';
export {
  checkPython,
  hasApps,
  projectFacts,
  readPythonFile,
  readPythonFileInSteps,
} from '../../target/python-reader.ts';
