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
      { key: 'enter', when: inList('emulator'), args: 'emulator' },
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
      { key: 'delete', when: inList('emulator'), args: 'emulator' },
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
      inRow('emulator', 'minifal.secret', '5_copy@2'),
      inRow('emulator', 'minifal.gpu', '5_copy@2'),
      inRow('emulator', 'minifal.version', '5_copy@2'),
    ],
  },
  copyUrl: {
    title: 'Copy URL',
    icon: 'copy',
    palette: never,
    menus: [
      inRow('emulator', 'minifal.address', 'inline@1'),
      inRow('emulator', 'minifal.address', '5_copy@1'),
      inRow('apps', 'minifal.app', '5_copy@1'),
      inRow('apps', 'minifal.app.other', '5_copy@1'),
      inRow('apps', 'minifal.run', '5_copy@1'),
      inRow('apps', 'minifal.run.other', '5_copy@1'),
      inRow('apps', 'minifal.endpoint', '5_copy@1'),
    ],
  },
  openUrl: {
    title: 'Open URL',
    icon: 'link-external',
    palette: never,
    menus: [inRow('emulator', 'minifal.address', 'inline@2'), inRow('emulator', 'minifal.address', '1_open@1')],
  },
} as const satisfies { readonly [name: string]: Command };
