import { type Command, inRow, inTitle } from './command.ts';
import { all, is, isNot, isTrusted, key, not } from './when.ts';

const isDown = all(isNot('emulatorState', 'running'), isNot('emulatorState', 'starting'));
const isRunning = is('emulatorState', 'running');

export const emulatorCommands = {
  startEmulator: {
    title: 'Start Emulator',
    icon: 'play',
    enablement: isDown,
    palette: isTrusted,
    menus: [inTitle('apps', 'navigation@1', isTrusted, isDown), inTitle('emulator', 'navigation@1', isTrusted, isDown)],
  },
  stopEmulator: {
    title: 'Stop Emulator',
    icon: 'debug-stop',
    palette: not(key('hasNoEmulator')),
    menus: [
      inTitle('apps', '3_stop@1', not(key('hasNoEmulator'))),
      inTitle('emulator', '3_stop@2', not(key('hasNoEmulator'))),
      inRow('emulator', 'minifal.emulator', 'inline@2'),
      inRow('emulator', 'minifal.emulator', '3_stop@2'),
    ],
  },
  restartEmulator: {
    title: 'Restart Emulator',
    icon: 'debug-restart',
    palette: all(isTrusted, isRunning),
    menus: [
      inTitle('emulator', '3_stop@1', isTrusted, isRunning),
      inRow('emulator', 'minifal.emulator', 'inline@1', isTrusted),
      inRow('emulator', 'minifal.emulator', '3_stop@1', isTrusted),
    ],
  },
  showEmulatorLog: {
    title: 'Show Emulator Log',
    icon: 'output',
    menus: [
      inTitle('apps', '2_emulator@1'),
      inTitle('emulator', '2_emulator@2'),
      inRow('emulator', 'minifal.emulator', '2_emulator@1'),
    ],
  },
  resetSecrets: {
    title: 'Reset Sealed Secrets…',
    palette: all(isTrusted, key('secretsSealed')),
  },
  refreshEmulator: {
    title: 'Refresh Emulator',
    icon: 'refresh',
    palette: isRunning,
    menus: [inTitle('emulator', '2_emulator@1', isRunning)],
  },
  addSecret: {
    title: 'Add Secret…',
    icon: 'add',
    palette: isTrusted,
    menus: [
      inRow('emulator', 'minifal.secrets', 'inline@1', isTrusted),
      inRow('emulator', 'minifal.secrets', '1_set@1', isTrusted),
    ],
  },
  importSecrets: {
    title: 'Import Secrets…',
    icon: 'cloud-download',
    palette: isTrusted,
    menus: [
      inRow('emulator', 'minifal.secrets', 'inline@2', isTrusted),
      inRow('emulator', 'minifal.secrets', '1_set@2', isTrusted),
    ],
  },
  removeSecret: {
    title: 'Remove Secret',
    icon: 'trash',
    palette: all(isTrusted, isRunning),
    menus: [
      inRow('emulator', 'minifal.secret', 'inline@1', isTrusted),
      inRow('emulator', 'minifal.secret', '9_end@1', isTrusted),
    ],
  },
  cleanDisk: {
    title: 'Clean Up Data Folder',
    icon: 'trash',
    palette: all(isTrusted, isRunning),
    menus: [
      inRow('emulator', 'minifal.disk', 'inline@1', isTrusted),
      inRow('emulator', 'minifal.disk', '1_clean@1', isTrusted),
    ],
  },
} as const satisfies { readonly [name: string]: Command };
