import { type Command, inRow } from './command.ts';
import { inList, never } from './when.ts';

/** What the keys do with the selected row, and what the menus of several views have. */
export const rowCommands = {
  openRow: {
    title: 'Open Selected Row',
    palette: never,
    keys: [
      { key: 'enter', when: inList('apps'), args: 'apps' },
      { key: 'enter', when: inList('requests'), args: 'requests' },
    ],
    menus: [
      inRow('apps', 'minifal.app', '1_open@1'),
      inRow('apps', 'minifal.run', '1_open@1'),
      inRow('apps', 'minifal.run.other', '1_open@1'),
      inRow('apps', 'minifal.code', '1_open@1'),
      inRow('apps', 'minifal.function', '1_open@1'),
      inRow('apps', 'minifal.endpoint', '1_open@1'),
      inRow('apps', 'minifal.broken', '1_open@1'),
    ],
  },
  endRow: {
    title: 'End Selected Row',
    palette: never,
    keys: [
      { key: 'delete', when: inList('apps'), args: 'apps' },
      { key: 'delete', when: inList('requests'), args: 'requests' },
    ],
  },
  copyId: {
    title: 'Copy ID',
    palette: never,
    menus: [
      inRow('apps', 'minifal.app', '5_copy@2'),
      inRow('apps', 'minifal.app.other', '5_copy@2'),
      inRow('apps', 'minifal.run', '5_copy@2'),
      inRow('apps', 'minifal.run.other', '5_copy@2'),
      inRow('apps', 'minifal.runner', '5_copy@2'),
      inRow('apps', 'minifal.runner.ended', '5_copy@2'),
      inRow('requests', 'minifal.request.waiting', '5_copy@2'),
      inRow('requests', 'minifal.request.running', '5_copy@2'),
      inRow('requests', 'minifal.request.done', '5_copy@2'),
      inRow('requests', 'minifal.request.direct', '5_copy@2'),
    ],
  },
  copyUrl: {
    title: 'Copy URL',
    palette: never,
    menus: [
      inRow('apps', 'minifal.app', '5_copy@1'),
      inRow('apps', 'minifal.app.other', '5_copy@1'),
      inRow('apps', 'minifal.run', '5_copy@1'),
      inRow('apps', 'minifal.run.other', '5_copy@1'),
      inRow('apps', 'minifal.endpoint', '5_copy@1'),
    ],
  },
} as const satisfies { readonly [name: string]: Command };
