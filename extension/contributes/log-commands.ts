import { type Command, inRow, inTitle } from './command.ts';

/** The log pane. */
export const logCommands = {
  showLog: {
    title: 'Show Log',
    icon: 'output',
    menus: [
      inRow('apps', 'minifal.app', 'inline@2'),
      inRow('apps', 'minifal.app.other', 'inline@2'),
      inRow('apps', 'minifal.runner', 'inline@1'),
      inRow('apps', 'minifal.app', '2_show@1'),
      inRow('apps', 'minifal.app.other', '2_show@1'),
      inRow('apps', 'minifal.run', '2_show@1'),
      inRow('apps', 'minifal.run.other', '2_show@1'),
      inRow('apps', 'minifal.runner', '2_show@1'),
      inRow('apps', 'minifal.runner.ended', '2_show@1'),
      inRow('requests', 'minifal.request.waiting', '2_show@1'),
      inRow('requests', 'minifal.request.running', '2_show@1'),
      inRow('requests', 'minifal.request.done', '2_show@1'),
      inRow('requests', 'minifal.request.direct', '2_show@1'),
    ],
  },
  findInLog: {
    title: 'Find in Log',
  },
  previousLogError: {
    title: 'Go to Previous Error in Log',
    icon: 'arrow-up',
    menus: [inTitle('logs', 'navigation@1')],
  },
  nextLogError: {
    title: 'Go to Next Error in Log',
    icon: 'arrow-down',
    menus: [inTitle('logs', 'navigation@2')],
  },
  wrapLog: {
    title: 'Toggle Line Wrap in Log',
    icon: 'word-wrap',
    menus: [inTitle('logs', 'navigation@3')],
  },
  copyLog: {
    title: 'Copy Log',
    icon: 'copy',
    menus: [inTitle('logs', 'navigation@4')],
  },
  exportLog: {
    title: 'Export Log…',
    menus: [inTitle('logs', '1_log@1')],
  },
  toggleServerLog: {
    title: 'Toggle Platform Lines in Log',
    menus: [inTitle('logs', '1_log@2')],
  },
  toggleInlineLogs: {
    title: 'Toggle Inline Logs',
    menus: [inTitle('logs', '1_log@4')],
  },
  clearLogFilter: {
    title: 'Clear Log Filters',
    menus: [inTitle('logs', '1_log@3')],
  },
} as const satisfies { readonly [name: string]: Command };
