import type { HuggingFaceMode, IsolationMode } from '../target/isolation.ts';
import type { MachineLimitMode } from '../target/machine-limits.ts';
import { pythonRangeText } from '../target/needs.ts';
import type { Setting } from './setting.ts';

interface Settings {
  readonly [name: string]: Setting;
}

const emulator = {
  port: {
    type: 'number',
    default: 4710,
    minimum: 0,
    maximum: 65_532,
    scope: 'machine',
    description: 'First of the four ports of the local emulator. 0 uses free ports. Takes effect at its next start.',
  },
  dataFolder: {
    type: 'string',
    default: '',
    scope: 'machine',
    description:
      'Folder for the queue, environments and key of the emulator. Empty: `~/.minifal`, the default of the `minifal` ' +
      'command. Takes effect after the window reloads.',
  },
  timeScale: {
    type: 'number',
    default: 1,
    minimum: 1,
    maximum: 1000,
    scope: 'machine',
    description:
      "How many times as fast the platform's delays pass (keep_alive, scaling_delay, back-off, pauses before " +
      'retries, health check intervals). The time that apps and their callers take does not change. Takes effect at ' +
      "the emulator's next start.",
  },
  allowedOrigins: {
    type: 'list',
    default: [],
    item: {
      pattern: '^https?://[^/]+$',
      otherwise: 'Enter a scheme, a host and a port, such as http://localhost:3000',
    },
    scope: 'machine',
    description:
      'Origins of web pages that may call the emulator, such as `http://localhost:3000`. Takes effect at its next ' +
      'start.',
  },
  machineLimits: {
    type: 'choice',
    default: 'warn',
    values: {
      off: 'Nothing.',
      warn: 'Its log says what it uses, and what it has in the cloud.',
      enforce: 'It is ended, as in the cloud.',
    } satisfies { [M in MachineLimitMode]: string },
    scope: 'machine',
    description:
      'What happens to a runner that uses more memory than its machine type has (only on Linux). Takes effect at the ' +
      "emulator's next start.",
  },
  isolation: {
    type: 'choice',
    default: 'full',
    values: {
      off: "Its own /data and /app; the rest of the disk is this machine's.",
      disk: 'Also its own disk, which is wiped when the runner ends.',
      full: 'Also its own network addresses.',
    } satisfies { [M in IsolationMode]: string },
    scope: 'machine',
    description: "How much each runner is isolated from this machine. Takes effect at the emulator's next start.",
  },
  share: {
    type: 'list',
    default: [],
    item: { pattern: '^(~/|/).', otherwise: 'Enter a path, such as ~/models or /mnt/models' },
    scope: 'machine',
    description:
      'Files and folders that apps with their own disk can read, such as `~/models`, or write, such as ' +
      "`~/models:rw`. Takes effect at the emulator's next start.",
  },
  huggingFaceCache: {
    type: 'choice',
    default: 'off',
    values: {
      off: 'Apps download models to /data.',
      read: 'Apps can read your cache; what they download is deleted when they end.',
      write: 'Apps can read your cache and add to it.',
    } satisfies { [M in HuggingFaceMode]: string },
    scope: 'machine',
    description:
      'Whether apps with their own disk can use your Hugging Face cache. Takes effect at the ' +
      "emulator's next start.",
  },
  allowOutside: {
    type: 'boolean',
    default: false,
    scope: 'machine',
    description:
      'Lets programs of apps listen on addresses that other machines can reach, without a key. When off, doing so ' +
      "ends their runner, unless runners have their own addresses. Takes effect at the emulator's next start.",
  },
  stopEmulatorOnClose: {
    type: 'choice',
    default: 'whenLastWindowCloses',
    values: {
      whenLastWindowCloses:
        'An emulator that a window started stops half a minute after the last window that uses it closes. An ' +
        'emulator started in a terminal keeps running.',
      never: 'The emulator keeps running until you stop it.',
    },
    scope: 'machine',
    isSafe: true,
    description: 'What happens to the emulator when windows close.',
  },
} as const satisfies Settings;

const pythonAndTerminals = {
  pythonPath: {
    type: 'string',
    default: '',
    scope: 'machine-overridable',
    description:
      `Path to the Python interpreter (${pythonRangeText}) whose \`fal\` command runs and deploys apps. Empty: the ` +
      "project's `.venv`, else the interpreter selected in the Python extension, else the one of the `fal` on PATH.",
  },
  workingFolder: {
    type: 'choice',
    default: 'project',
    values: {
      project: "The folder of the nearest `pyproject.toml`; without one, the file's folder.",
      file: "The file's folder.",
      workspace: 'The workspace folder.',
    },
    scope: 'machine-overridable',
    description: 'The folder in which `fal` runs and deploys an app. Modules of this folder can be imported.',
  },
  'terminals.all': {
    type: 'boolean',
    default: false,
    scope: 'window',
    description:
      'Points **every** new terminal to the local emulator, not only `fal (local)`. In these terminals, `fal deploy` ' +
      'deploys to the emulator instead of the cloud.',
  },
} as const satisfies Settings;

const inEditors = {
  'codeLens.enabled': {
    type: 'boolean',
    default: true,
    scope: 'window',
    isSafe: true,
    description: 'Shows actions and the state of apps and endpoints above them in Python files.',
  },
  'inlineLogs.enabled': {
    type: 'boolean',
    default: true,
    scope: 'window',
    isSafe: true,
    description: 'Shows the last output of each line of Python code after the line that printed or logged it.',
  },
  'checks.enabled': {
    type: 'boolean',
    default: true,
    scope: 'window',
    isSafe: true,
    description: 'Reports mistakes in the code of apps in "Problems", with quick fixes. Nothing is run.',
  },
} as const satisfies Settings;

const hotReload = {
  hotReload: {
    type: 'choice',
    default: 'swap',
    values: {
      swap:
        'The running app is changed in place if that equals a restart: `setup()` does not run again, and the model ' +
        'stays loaded. Otherwise it is restarted.',
      restart: 'The app is restarted with each save.',
      off: 'A run keeps the code with which it began.',
    },
    scope: 'machine-overridable',
    description: 'What a run does when one of its files is saved. Takes effect with the next run.',
  },
  hotReloadAudit: {
    type: 'boolean',
    default: false,
    scope: 'machine-overridable',
    description:
      'Checks each change in place: a fresh runner answers the first request after it, too, and differences are ' +
      'shown. That request runs twice (except with the header `X-Fal-No-Retry`), and the model is loaded a second ' +
      'time meanwhile. Takes effect with the next run.',
  },
  'run.scaling': {
    type: 'choice',
    default: 'pinned',
    values: {
      pinned: 'One runner stays, whatever `keep_alive` says.',
      faithful: 'A run scales as if it were deployed: runners come with requests and end after `keep_alive`.',
    },
    scope: 'machine-overridable',
    description:
      'How many runners a run has. Takes effect with the next run that reloads with its saves; the command "Switch ' +
      'Scaling of Run" changes one that runs.',
  },
  hotReloadIgnore: {
    type: 'list',
    default: [],
    item: { pattern: '\\S', otherwise: 'Enter a glob, such as *.md or assets/' },
    scope: 'machine-overridable',
    description:
      'Files of an app whose changes reload no run, such as `*.md` or `assets/`. Globs begin at the folder in which ' +
      '`fal` runs, see `#minifal.workingFolder#`.',
  },
} as const satisfies Settings;

const debugging = {
  'debug.stopOnEnd': {
    type: 'boolean',
    default: false,
    scope: 'window',
    isSafe: true,
    description:
      'Stops the run of an app when you end its debug session. When off, the run continues without debugger.',
  },
} as const satisfies Settings;

const secrets = {
  sealSecrets: {
    type: 'choice',
    default: 'auto',
    values: {
      auto:
        "Sealed if the editor's keychain is on this machine and has kept an entry across a restart; otherwise the " +
        'key is in a file that only you can read.',
      always:
        "Also sealed if the keychain is on another machine (SSH, containers) or in a browser's storage. Another " +
        "client can't open them.",
      never: 'The key is in a file that only you can read. A sealed key is restored to it at the next start.',
    },
    scope: 'machine',
    description:
      "Whether this editor's keychain seals the key of the emulator's secrets, a file in `#minifal.dataFolder#`. " +
      'Only an emulator that this editor starts can use sealed secrets; one started in a terminal cannot. Takes ' +
      "effect at the emulator's next start.",
  },
} as const satisfies Settings;

/** The sections of the settings editor. */
export const settingGroups: readonly { readonly name: string; readonly title: string; readonly settings: Settings }[] =
  [
    { name: 'emulator', title: 'Emulator', settings: emulator },
    { name: 'python', title: 'Python and Terminals', settings: pythonAndTerminals },
    { name: 'hotReload', title: 'Hot Reload', settings: hotReload },
    { name: 'debug', title: 'Debugging', settings: debugging },
    { name: 'editor', title: 'In the Editor', settings: inEditors },
    { name: 'secrets', title: 'Secrets', settings: secrets },
  ];

export const settings = { ...emulator, ...pythonAndTerminals, ...hotReload, ...debugging, ...inEditors, ...secrets };

export type SettingName = keyof typeof settings;

export const settingId = (name: SettingName) => `minifal.${name}` as const;
