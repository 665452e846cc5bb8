/**
 * Minor versions of Python 3 that apps are built and run with: those with which fal imports, and functions and apps run
 * (docs/python-versions.md has what was measured).
 */
const minors = [10, 11, 12, 13, 14] as const;
const [oldest, ...newer] = minors;
const newest = Math.max(...newer);

/** `3.10`: minifal's own tools need it, too. */
export const oldestPython = `3.${oldest}`;

/** The recommended version. */
export const newestPython = `3.${newest}`;

/** For use in sentences: `3.10 to 3.14`. */
export const pythonRangeText = `${oldestPython} to ${newestPython}`;

/** In the syntax of uv and pip. */
export const pythonRange = `>=${oldestPython},<3.${newest + 1}`;

/** Names of their interpreters on PATH, the newest first. */
export const pythonNames: readonly string[] = minors.map((minor) => `python3.${minor}`).toReversed();

/** Whether apps can be built and run with this version, or why not. */
export function checkPython(major: number, minor: number): 'supported' | 'tooOld' | 'tooNew' {
  if (major < 3 || (major === 3 && minor < oldest)) return 'tooOld';
  return major === 3 && minor <= newest ? 'supported' : 'tooNew';
}
