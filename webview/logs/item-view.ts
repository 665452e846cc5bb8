import type { Place, Row, Texts } from '../host.ts';
import type { Item } from './items.ts';
import { fullTime, shownPath, time } from './line-text.ts';
import { markName, type Names, runnerName } from './names.ts';

const symbols: { readonly [K in Row['kind']]?: string } = { error: '✕', warning: '⚠' };
const lanes = 6;

/** The element of a line, for the grid of `list.ts`. Everything is set as text: nothing of an app becomes markup. */
export function viewOf(item: Item, names: Names, texts: Texts): HTMLElement {
  switch (item.kind) {
    case 'mark':
      return markLine(`${time(item.mark.at)}  ${item.mark.text}`);
    case 'date':
      return markLine(new Date(item.at).toLocaleDateString(undefined, { dateStyle: 'full' }));
    case 'detail': {
      const { text, place, isApp } = item.detail;
      return line(isApp ? 'detail own' : 'detail', cell('text', text), placeCell(place, texts));
    }
    case 'row':
      return item.row.kind === 'mark' ? markOf(item.row, names) : rowOf(item, names, texts);
  }
}

function rowOf(item: Extract<Item, { kind: 'row' }>, names: Names, texts: Texts): HTMLElement {
  const { row, isOpen, lines } = item;
  const text = cell('text', row.text);
  if (lines > 1) text.append(part('note', `  ${texts.traceback.replace('{0}', String(lines))}`));
  const gutter = cell('gutter', '');
  gutter.append(part(isOpen === null ? '' : 'twisty', ''), part('symbol', symbols[row.kind] ?? ''));
  const runner = cell('runner', runnerName(row, names));
  if (row.runnerId !== null) {
    runner.classList.add(`lane${lane(row.runnerId)}`);
    runner.title = `${names.app(row.alias)} · ${row.runnerId}`;
  }
  const phase = row.phase === '' ? '' : texts[row.phase];
  const request = cell('request', row.requestId === null ? phase : names.request(row.requestId));
  if (row.requestId !== null) {
    request.classList.add('link');
    request.title = `${texts.openRequest} · ${row.requestId}`;
  }
  const at = cell('time', time(row.at));
  at.title = fullTime(row.at);
  const element = line(row.kind, at, runner, request, gutter, text, placeCell(row.place, texts));
  if (isOpen !== null) element.setAttribute('aria-expanded', String(isOpen));
  return element;
}

function markOf(row: Row, names: Names): HTMLElement {
  return markLine([time(row.at), markName(row, names), row.text].filter((part) => part !== '').join('  '));
}

/** In a narrow panel, its end is cut: the tooltip has all. */
function markLine(words: string): HTMLElement {
  const text = cell('text', '');
  text.append(part('words', words));
  text.title = words;
  return line('mark', text);
}

function placeCell(place: Place | null, texts: Texts): HTMLElement {
  const element = cell('place', place?.label ?? '');
  if (place) {
    element.classList.add('link');
    element.title = `${texts.openPlace} · ${shownPath(place)}:${place.line}`;
  }
  return element;
}

function line(kind: string, ...cells: readonly HTMLElement[]): HTMLElement {
  const element = document.createElement('div');
  element.className = `row ${kind}`;
  element.setAttribute('role', 'row');
  element.append(...cells);
  return element;
}

function cell(name: string, text: string): HTMLElement {
  const element = part(name, text);
  element.setAttribute('role', 'gridcell');
  return element;
}

function part(name: string, text: string): HTMLElement {
  const element = document.createElement('span');
  element.className = name;
  element.textContent = text;
  return element;
}

/** The same colour for the same runner. */
function lane(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 997;
  return sum % lanes;
}
