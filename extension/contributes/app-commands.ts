import { type Command, inRow, inTitle } from './command.ts';
import { all, hasFolder, is, isTrusted, key, never, not } from './when.ts';

const canRun = all(isTrusted, key('hasApps'));
/** Before the files have been searched, a command searches them. */
const mayRun = all(isTrusted, hasFolder, not(key('hasNoApps')));

export const appCommands = {
  runApp: {
    title: 'Run App',
    icon: 'beaker',
    palette: mayRun,
    menus: [
      inTitle('apps', '1_run@1', canRun),
      inRow('apps', 'minifal.code', 'inline@1', isTrusted),
      inRow('apps', 'minifal.code', '2_run@1', isTrusted),
      inRow('apps', 'minifal.function', 'inline@1', isTrusted),
      inRow('apps', 'minifal.function', '2_run@1', isTrusted),
      inRow('apps', 'minifal.app', '2_run@1', isTrusted),
    ],
    keys: { key: 'ctrl+k alt+r', when: canRun },
  },
  /** Takes the app's run in this window, or begins one. */
  debugApp: {
    title: 'Debug App',
    icon: 'debug-alt',
    palette: mayRun,
    menus: [
      inTitle('apps', '1_run@2', canRun),
      inRow('apps', 'minifal.code', '2_run@2', isTrusted),
      inRow('apps', 'minifal.app', '2_run@2', isTrusted),
      inRow('apps', 'minifal.run', '2_run@3', isTrusted),
    ],
  },
  stopRun: {
    title: 'Stop Run',
    icon: 'stop-circle',
    palette: key('hasRuns'),
    menus: [
      inTitle('apps', 'navigation@1', key('hasRuns')),
      inRow('apps', 'minifal.run', 'inline@1'),
      inRow('apps', 'minifal.run', '9_end@1'),
    ],
    keys: { key: 'ctrl+k alt+s', when: key('hasRuns') },
  },
  restartApp: {
    title: 'Restart App',
    icon: 'debug-restart',
    palette: key('hasRuns'),
    menus: [inRow('apps', 'minifal.run', '2_run@1')],
  },
  switchScaling: {
    title: 'Switch Scaling of Run',
    palette: key('hasRuns'),
    menus: [inRow('apps', 'minifal.run', '2_run@3')],
  },
  /** Also in the actions of a lens, for the file of the last reload. */
  ignoreSaves: {
    title: 'Ignore Saves of File…',
    palette: key('hasRuns'),
    menus: [inRow('apps', 'minifal.run', '2_run@2')],
  },
  deployToEmulator: {
    title: 'Deploy to Emulator',
    icon: 'cloud-upload',
    palette: mayRun,
    menus: [
      inTitle('apps', 'navigation@2', canRun),
      inRow('apps', 'minifal.code', 'inline@2', isTrusted),
      inRow('apps', 'minifal.code', '2_run@3', isTrusted),
      inRow('apps', 'minifal.app', '2_run@3', isTrusted),
      inRow('apps', 'minifal.run', '2_run@4', isTrusted),
    ],
    keys: { key: 'ctrl+k alt+d', when: canRun },
  },
  /** A link in the hover over a setting. */
  useCodeScaling: {
    title: "Use the Code's Values at the Next Deploy",
    palette: all(isTrusted, key('hasApps')),
    menus: [inRow('apps', 'minifal.app', '6_app@2', isTrusted)],
  },
  showRevisions: {
    title: 'Show Revisions',
    icon: 'history',
    palette: key('hasDeployed'),
    menus: [inRow('apps', 'minifal.app', '6_app@1'), inRow('apps', 'minifal.app.other', '6_app@1')],
  },
  deleteApp: {
    title: 'Delete App…',
    icon: 'trash',
    palette: key('hasDeployed'),
    menus: [inRow('apps', 'minifal.app', '9_end@1'), inRow('apps', 'minifal.app.other', '9_end@1')],
  },
  /** What a click on an app's state in its lens does. */
  showAppActions: {
    title: 'Show App Actions',
    palette: never,
  },
  refresh: {
    title: 'Refresh Apps',
    icon: 'refresh',
    palette: hasFolder,
    menus: [inTitle('apps', '1_run@3')],
  },
  stopRunner: {
    title: 'Stop Runner',
    icon: 'debug-stop',
    palette: key('hasRunners'),
    menus: [inRow('apps', 'minifal.runner', 'inline@2'), inRow('apps', 'minifal.runner', '9_end@1')],
  },
  attachDebugger: {
    title: 'Attach Debugger',
    icon: 'debug-alt',
    palette: all(isTrusted, key('hasRunners')),
    menus: [inRow('apps', 'minifal.runner', '2_show@4', isTrusted)],
  },
  showStacks: {
    title: 'What Is It Doing?',
    icon: 'question',
    palette: key('hasRunners'),
    menus: [inRow('apps', 'minifal.runner', '2_show@1')],
  },
  showWhy: {
    title: 'Explain State',
    icon: 'question',
    palette: is('emulatorState', 'running'),
    menus: [
      inRow('apps', 'minifal.app', '2_show@9'),
      inRow('apps', 'minifal.app.other', '2_show@9'),
      inRow('apps', 'minifal.runner', '2_show@9'),
      inRow('apps', 'minifal.runner.ended', '2_show@9'),
      inRow('requests', 'minifal.request.waiting', '2_show@9'),
      inRow('requests', 'minifal.request.running', '2_show@9'),
      inRow('requests', 'minifal.request.done', '2_show@9'),
      inRow('requests', 'minifal.request.direct', '2_show@9'),
    ],
  },
  showStart: {
    title: 'Show Start',
    icon: 'clock',
    palette: key('hasRunners'),
    menus: [inRow('apps', 'minifal.runner', '2_show@2'), inRow('apps', 'minifal.runner.ended', '2_show@2')],
  },
  exportStart: {
    title: 'Export Start as Trace',
    palette: key('hasRunners'),
    menus: [inRow('apps', 'minifal.runner', '2_show@3'), inRow('apps', 'minifal.runner.ended', '2_show@3')],
  },
  clearEnded: {
    title: 'Clear Ended Runners',
    icon: 'clear-all',
    palette: key('hasEnded'),
    menus: [
      inTitle('apps', '1_run@4', key('hasEnded')),
      inRow('apps', 'minifal.runner.ended', '9_clear@2'),
      inRow('apps', 'minifal.ended', 'inline'),
      inRow('apps', 'minifal.ended', '9_clear@2'),
    ],
  },
  clearRunner: {
    title: 'Clear Runner',
    icon: 'close',
    palette: never,
    menus: [inRow('apps', 'minifal.runner.ended', 'inline'), inRow('apps', 'minifal.runner.ended', '9_clear@1')],
  },
} as const satisfies { readonly [name: string]: Command };
