/** The requirements of apps on this machine: Python versions, and releases of fal's packages. */
export { falPackages } from '../../emulator/local/fal-packages.ts';
export { checkPython, pythonNames, pythonRangeText } from '../../emulator/local/python-versions.ts';
