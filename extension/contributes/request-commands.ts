import { type Command, inRow, inTitle } from './command.ts';
import { all, isTrusted, key, not } from './when.ts';

/** What can be done with a row of "Requests", and with the view. */
export const requestCommands = {
  openRequest: {
    title: 'Open Request',
    icon: 'go-to-file',
    palette: key('hasRequests'),
    menus: [
      inRow('requests', 'minifal.request.waiting', '1_open@1'),
      inRow('requests', 'minifal.request.running', '1_open@1'),
      inRow('requests', 'minifal.request.done', '1_open@1'),
      inRow('requests', 'minifal.request.direct', '1_open@1'),
    ],
  },
  cancelRequest: {
    title: 'Cancel Request',
    icon: 'close',
    palette: key('hasOpenRequests'),
    menus: [
      inRow('requests', 'minifal.request.waiting', 'inline'),
      inRow('requests', 'minifal.request.waiting', '9_end@1'),
      inRow('requests', 'minifal.request.running', 'inline'),
      inRow('requests', 'minifal.request.running', '9_end@1'),
    ],
  },
  replayRequest: {
    title: 'Replay Request',
    icon: 'debug-restart',
    palette: all(isTrusted, key('hasRequests')),
    menus: [
      inRow('requests', 'minifal.request.done', 'inline', isTrusted),
      inRow('requests', 'minifal.request.done', '1_open@2', isTrusted),
      inRow('requests', 'minifal.request.waiting', '1_open@2', isTrusted),
      inRow('requests', 'minifal.request.running', '1_open@2', isTrusted),
    ],
  },
  loadOlderRequests: {
    title: 'Load Older Requests',
    icon: 'ellipsis',
    palette: key('hasRequests'),
  },
  filterRequests: {
    title: 'Filter Requests',
    icon: 'filter',
    palette: key('hasRequests'),
    menus: [inTitle('requests', 'navigation@1', key('hasRequests'))],
  },
  pauseRequests: {
    title: 'Pause List of Requests',
    icon: 'debug-pause',
    palette: all(key('hasRequests'), not(key('requestsPaused'))),
    menus: [inTitle('requests', 'navigation@3', key('hasRequests'), not(key('requestsPaused')))],
  },
  resumeRequests: {
    title: 'Continue List of Requests',
    icon: 'debug-continue',
    palette: key('requestsPaused'),
    menus: [inTitle('requests', 'navigation@3', key('requestsPaused'))],
  },
  clearFinished: {
    title: 'Clear Finished Requests',
    icon: 'clear-all',
    palette: key('hasFinished'),
    menus: [inTitle('requests', '1_list@1', key('hasFinished'))],
  },
  clearFilter: {
    title: 'Show All Requests',
    icon: 'clear-all',
    palette: key('hasFilter'),
    menus: [inTitle('requests', 'navigation@2', key('hasFilter'))],
  },
} as const satisfies { readonly [name: string]: Command };
