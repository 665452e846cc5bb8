import { appsOf, filesOf } from './apps.ts';
import { readPythonFile } from './python-file.ts';

/** Whether a text alone has an app or a function of fal. */
export function hasApps(text: string): boolean {
  return appsOf(filesOf(new Map([['', readPythonFile(text)]]))).size > 0;
}
