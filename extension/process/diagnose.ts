import { type Fix, Problem } from '../problem.ts';
import type { Failure, UserErrorCode } from '../target/error-codes.ts';
import { t } from '../words.ts';

/** Problems by the error codes of builds, which `fal` prints. */
const ofBuilds: { readonly [code in UserErrorCode]?: (about: string | undefined) => Problem } = {
  DISK_FULL: noSpace,
  DISK_READ_ONLY: () => new Problem(t('The disk of the data folder is read-only.'), 'chooseDataFolder'),
  DATA_FOLDER_NOEXEC: () => new Problem(t('Programs cannot run from the data folder.'), 'chooseDataFolder'),
  UV_NOT_INSTALLED: noUv,
  UV_UNUSABLE: noUv,
  PYTHON_MISSING: noUv,
  PYTHON_UNAVAILABLE: (version) =>
    new Problem(
      version
        ? t('The app needs Python {0}, which is not installed.', version)
        : t('The app needs another version of Python, which is not installed.'),
      'choosePython',
    ),
};

/** Fixes by the error codes of the command, which has a message of its own. */
const fixes: { readonly [code in UserErrorCode]?: Fix } = {
  DISK_READ_ONLY: 'chooseDataFolder',
  DATA_FOLDER_NOEXEC: 'chooseDataFolder',
  DATA_FOLDER_UNUSABLE: 'chooseDataFolder',
  DATA_FOLDER_FOREIGN: 'chooseDataFolder',
  ACCESS_DENIED: 'chooseDataFolder',
  OWNED_BY_OTHER_USER: 'chooseDataFolder',
  PORT_IN_USE: 'useFreePorts',
  PORT_NOT_PERMITTED: 'useFreePorts',
  UV_NOT_INSTALLED: 'howToInstallUv',
  UV_UNUSABLE: 'howToInstallUv',
  PYTHON_MISSING: 'howToInstallUv',
  PYTHON_UNAVAILABLE: 'choosePython',
};

/** Messages of other tools: error codes of Node and the system, and the system's message texts in pip's output. */
const others: readonly (readonly [RegExp, () => Problem])[] = [
  [/ENOSPC|EDQUOT|Errno 28|No space left on device|database or disk is full/i, noSpace],
  [
    /Cannot find module 'node:sqlite'|No such built-in module: node:sqlite|ERR_UNKNOWN_BUILTIN_MODULE/,
    () => new Problem(t('The emulator needs Node.js 22.13 or newer.'), 'howToInstallNode'),
  ],
];

/** The disk is full. */
export function noSpace(): Problem {
  return new Problem(t('There is no space left on the disk.'), 'chooseDataFolder');
}

function noUv(): Problem {
  return new Problem(t('The tool uv, which builds environments, could not be installed.'), 'howToInstallUv');
}

/** A failure of a `minifal` command: its own sentence, and the fix that belongs to its code. */
export function problemOfFailure({ code, message, next }: Failure): Problem {
  if (code === 'DISK_FULL') return noSpace();
  const fix = fixes[code as UserErrorCode];
  return fix ? new Problem(message, fix) : new Problem(t('The emulator did not start: {0}', `${message} ${next}`));
}

/**
 * The known problem in the output of `fal`, pip or Node; `undefined`: none was recognised. For the emulator's own
 * errors, `fal` prints the code in parentheses, possibly surrounded by colour codes or broken at the width of the
 * terminal.
 */
export function diagnose(output: string): Problem | undefined {
  // Apps and tools also print words of that form (CUDA_HOME, ACCESS_DENIED): the first known build code is used.
  for (const [, code, about] of plain(output).matchAll(/\(([A-Z]+(?:_[A-Z]+)+)(?:\s+([^()]+))?\)/g)) {
    const known = ofBuilds[code as UserErrorCode]?.(about?.replaceAll(/\s+/g, ' '));
    if (known) return known;
  }
  return others.find(([pattern]) => pattern.test(output))?.[1]();
}

/** The last line with content, without colours; used to describe an unknown failure. */
export function lastLine(output: string): string | undefined {
  return plain(output)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .findLast((line) => /\w{2}/.test(line));
}

/** The text without terminal escape sequences. */
export function plain(output: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what it looks for
  return output.replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])/g, '');
}
