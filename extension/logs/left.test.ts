import { expect, it } from 'vitest';
import { noFilter, parseHostMessage, parsePageMessage } from '../../webview/host.ts';
import { createLeft } from './left.ts';
import { pageTexts } from './page-texts.ts';

const onlyFirst = { ...noFilter, requestId: 'q1' };

/** What a window has stored is all that a reloaded one has. */
function windows() {
  let text: string | undefined;
  const stored = {
    get: () => text && JSON.parse(text),
    set(value: unknown) {
      text = JSON.stringify(value);
    },
  };
  return { open: () => createLeft(stored), stored };
}

it('begins in a reloaded window as the page was left', () => {
  const { open } = windows();
  const left = { filter: onlyFirst, isWrapped: true, at: 7 };
  const message = parsePageMessage({ type: 'left', left });
  if (message?.type !== 'left') throw new Error('the host does not know the message');
  open().keep(message.left);
  const start = { type: 'start', texts: pageTexts(), ...open().next() };
  expect(parseHostMessage(start)).toMatchObject({ left });
});

it('begins with the filter that a command asked for, at the end of the log or with a row selected', () => {
  const { open } = windows();
  const left = open();
  left.keep({ filter: noFilter, isWrapped: true, at: 7 });
  left.show(onlyFirst, null);
  const shown = { filter: onlyFirst, isWrapped: true, at: null };
  expect(left.next()).toEqual({ left: shown, isJump: false });
  expect(open().next()).toEqual({ left: shown, isJump: false });
  left.keep({ filter: onlyFirst, isWrapped: true, at: 9 });
  expect(left.next()).toEqual({ left: { filter: onlyFirst, isWrapped: true, at: 9 }, isJump: false });
  left.show(noFilter, 5);
  expect(left.next()).toEqual({ left: { filter: noFilter, isWrapped: true, at: 5 }, isJump: true });
  // A reload isn't a jump again.
  expect(open().next()).toEqual({ left: { filter: noFilter, isWrapped: true, at: 5 }, isJump: false });
});

it.each([undefined, 'text', { filter: { alias: 1 } }])('begins without a filter if %j is stored', (value) => {
  const { open, stored } = windows();
  if (value !== undefined) stored.set(value);
  expect(open().next()).toEqual({ left: { filter: noFilter, isWrapped: false, at: null }, isJump: false });
});
