/** What apps on the local platform need on this machine: versions of Python, and the releases of fal's packages. */
export { falPackages } from '../../emulator/local/fal-packages.ts';
export { judgePython, pythonNames, pythonsInWords } from '../../emulator/local/python-versions.ts';
