import { type Command, inTitle } from './command.ts';
import { all, isTrusted, key, never } from './when.ts';

export const windowCommands = {
  openTerminal: {
    title: 'Open Local Terminal',
    icon: 'terminal',
    palette: isTrusted,
    menus: [inTitle('apps', 'navigation@3', isTrusted)],
    keys: { key: 'ctrl+k alt+t', when: all(isTrusted, key('hasApps')) },
  },
  getStarted: {
    title: 'Get Started',
  },
  newApp: {
    title: 'New App…',
    icon: 'new-folder',
    menus: [inTitle('apps', '1_run@5')],
  },
  choosePython: {
    title: 'Choose Python…',
    icon: 'symbol-misc',
    palette: isTrusted,
  },
  installFal: {
    title: 'Install fal Command',
    palette: isTrusted,
  },
  /** A quick fix of a problem. */
  clearProblem: {
    title: 'Clear Problem',
    palette: never,
  },
  /** What a click on the status bar does. */
  showActions: {
    title: 'Show Actions',
    palette: never,
  },
} as const satisfies { readonly [name: string]: Command };
