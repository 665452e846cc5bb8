import { Problem } from '../problem.ts';

const known: readonly (readonly [RegExp, (found: RegExpExecArray) => Problem])[] = [
  [
    /Port (\d+)(?: on \S+)? is (?:already )?(?:taken|in use)/i,
    ([, port]) => new Problem(`Port ${port} is taken by another program.`, 'useFreePorts'),
  ],
  [
    /Port (\d+)(?: on \S+)? may not be opened/,
    ([, port]) => new Problem(`Port ${port} may not be opened by this user.`, 'useFreePorts'),
  ],
  [/ENOSPC|EDQUOT|No space left on device|database or disk is full/i, noSpace],
  [
    /The data folder (.+?) cannot be (made|written)/,
    ([, folder, verb]) => new Problem(`The data folder ${folder} cannot be ${verb}.`, 'chooseDataFolder'),
  ],
  [
    /uv could not be installed|uv is not installed|MINIFAL_UV names/,
    () => new Problem('The tool uv is needed to build environments, and it could not be installed.', 'howToInstallUv'),
  ],
  [
    /Python (\S+(?: to \S+)?) is not available on this machine/,
    ([, version]) => new Problem(`The app needs Python ${version}, which is not on this machine.`, 'choosePython'),
  ],
  [
    /Cannot find module 'node:sqlite'|No such built-in module: node:sqlite|ERR_UNKNOWN_BUILTIN_MODULE/,
    () => new Problem('The emulator needs Node.js 22.13 or newer.', 'howToInstallNode'),
  ],
];

/** Nothing more can be written. */
export function noSpace(): Problem {
  return new Problem('There is no space left on the disk.', 'chooseDataFolder');
}

/** The one known thing that output of the emulator or of `fal` complains about; `undefined`: none that we know. */
export function diagnose(output: string): Problem | undefined {
  for (const [pattern, problem] of known) {
    const found = pattern.exec(output);
    if (found) return problem(found);
  }
  return undefined;
}

/** The last line that says something, without colours; for a sentence about a failure that we don't know. */
export function lastWords(output: string): string | undefined {
  return plain(output)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .findLast((line) => /\w{2}/.test(line));
}

/** Without the escape sequences of a terminal. */
export function plain(output: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what it looks for
  return output.replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])/g, '');
}
