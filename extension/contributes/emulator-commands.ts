import { type Command, inTitle } from './command.ts';
import { all, isNot, isTrusted, key, not } from './when.ts';

const isDown = all(isNot('emulatorState', 'running'), isNot('emulatorState', 'starting'));

export const emulatorCommands = {
  startEmulator: {
    title: 'Start Emulator',
    icon: 'play',
    enablement: isDown,
    palette: isTrusted,
    menus: [inTitle('apps', 'navigation@1', isTrusted, isDown)],
  },
  stopEmulator: {
    title: 'Stop Emulator',
    icon: 'debug-stop',
    palette: not(key('hasNoEmulator')),
    menus: [inTitle('apps', '3_stop@1', not(key('hasNoEmulator')))],
  },
  showEmulatorLog: {
    title: 'Show Emulator Log',
    icon: 'output',
    menus: [inTitle('apps', '2_emulator@1')],
  },
  resetSecrets: {
    title: 'Reset Sealed Secrets…',
    palette: all(isTrusted, key('secretsSealed')),
  },
} as const satisfies { readonly [name: string]: Command };
