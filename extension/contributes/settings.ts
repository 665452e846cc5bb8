import type { HuggingFaceMode, IsolationMode } from '../target/isolation.ts';
import { pythonsInWords } from '../target/needs.ts';
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
    description: 'First of the four ports of the local emulator, used at its next start. 0 takes free ports.',
  },
  dataFolder: {
    type: 'string',
    default: '',
    scope: 'machine',
    description:
      'Folder where the emulator keeps its queue, environments and key. Empty: `~/.minifal`, as for the `minifal` ' +
      'command. Used after the window was reloaded.',
  },
  timeScale: {
    type: 'number',
    default: 1,
    minimum: 1,
    maximum: 1000,
    scope: 'machine',
    description:
      "How many times as fast the platform's delays pass (keep_alive, scaling_delay, back-off, pauses before " +
      "retries, health check intervals), used at the emulator's next start. What an app and its callers take stays " +
      'as it is.',
  },
  allowedOrigins: {
    type: 'list',
    default: [],
    item: { pattern: '^https?://[^/]+$', otherwise: 'Scheme, host and port: http://localhost:3000' },
    scope: 'machine',
    description:
      'Origins of web pages that may call the emulator, such as `http://localhost:3000`, used at its next start.',
  },
  isolation: {
    type: 'choice',
    default: 'full',
    values: {
      off: "/data and /app of its own; the rest of the disk is this machine's.",
      disk: 'Also a disk of its own, which is wiped when it ends.',
      full: 'Also addresses of its own.',
    } satisfies { [M in IsolationMode]: string },
    scope: 'machine',
    description: "What each runner has of its own, used at the emulator's next start.",
  },
  share: {
    type: 'list',
    default: [],
    item: { pattern: '^(~/|/).', otherwise: 'A path: ~/models or /mnt/models' },
    scope: 'machine',
    description:
      'Files and folders that apps see although their disk is their own, such as `~/models`; `~/models:rw` lets ' +
      "them write there. Used at the emulator's next start.",
  },
  huggingFaceCache: {
    type: 'choice',
    default: 'off',
    values: {
      off: 'Apps keep models in /data.',
      read: 'Apps see yours; what they download is gone when they end.',
      write: 'Apps see yours and add to it.',
    } satisfies { [M in HuggingFaceMode]: string },
    scope: 'machine',
    description: "Your Hugging Face cache in apps whose disk is their own. Used at the emulator's next start.",
  },
  allowOutside: {
    type: 'boolean',
    default: false,
    scope: 'machine',
    description:
      'Programs of apps may listen where other machines reach them, without a key. Else that ends their runner, ' +
      "unless runners have addresses of their own. Used at the emulator's next start.",
  },
  stopEmulatorOnClose: {
    type: 'choice',
    default: 'whenLastWindowCloses',
    values: {
      whenLastWindowCloses:
        'An emulator that a window started stops some seconds after the last window that uses it has closed. One ' +
        'started in a terminal continues.',
      never: 'The emulator continues until it is stopped.',
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
      `Path of the Python (${pythonsInWords}) whose \`fal\` command runs and deploys apps. Empty: the project's ` +
      '`.venv`, the choice in the Python extension, then the `fal` on the PATH.',
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
      'Points **every** new terminal at the local emulator, not only `fal (local)`. A `fal deploy` meant for the ' +
      'cloud then goes to the emulator.',
  },
} as const satisfies Settings;

const secrets = {
  sealSecrets: {
    type: 'choice',
    default: 'auto',
    values: {
      auto:
        'Sealed where the editor has a keychain of this machine that was seen to remember; else the key is in a ' +
        'file that only you can read.',
      always:
        "Also where the keychain is that of another machine (SSH, containers) or a browser's storage. Another " +
        "client can't open them.",
      never: 'The key is in a file that only you can read. One that was sealed is put back there at the next start.',
    },
    scope: 'machine',
    description:
      "Whether the key of the emulator's secrets, a file in `#minifal.dataFolder#`, is sealed by this editor's " +
      'keychain. Sealed secrets can be used only by an emulator that this editor started, not by `minifal start` in ' +
      "a terminal. Used at the emulator's next start.",
  },
} as const satisfies Settings;

/** The sections of the settings editor. */
export const settingGroups: readonly { readonly title: string; readonly settings: Settings }[] = [
  { title: 'Emulator', settings: emulator },
  { title: 'Python and Terminals', settings: pythonAndTerminals },
  { title: 'Secrets', settings: secrets },
];

export const settings = { ...emulator, ...pythonAndTerminals, ...secrets };

export type SettingName = keyof typeof settings;

export const settingId = (name: SettingName) => `minifal.${name}` as const;
