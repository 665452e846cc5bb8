export { appsOf, appsOfFile, type Files, type FoundApp, filesOf } from '../../emulator/local/python-code/apps.ts';
export { breather } from '../../emulator/local/python-code/breather.ts';
export { moduleFinder } from '../../emulator/local/python-code/module-files.ts';
export type { Endpoint, PythonFile, Setting } from '../../emulator/local/python-code/python-file.ts';
