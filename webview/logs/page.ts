import {
  type Choices,
  type Filter,
  type HostMessage,
  type Mark,
  noFilter,
  type PageAction,
  type PageMessage,
  parseHostMessage,
  type Row,
  type TextName,
} from '../host.ts';
import { type Held, maxHeld, nothing, withRows } from './held.ts';
import { type Names, textOf } from './item-view.ts';
import { type Item, itemsOf } from './items.ts';
import { createList, type List } from './list.ts';
import type { Toolbar } from './toolbar.ts';

type Numbers = Extract<HostMessage, { type: 'names' }>['runners'];

declare function acquireVsCodeApi(): { postMessage(message: PageMessage): void };

const host = acquireVsCodeApi();
const send = (message: PageMessage): void => host.postMessage(message);

let receive: ((message: HostMessage) => void) | undefined;

window.addEventListener('message', ({ data }) => {
  const message = parseHostMessage(data);
  if (message?.type === 'start') start(message);
  else if (message) receive?.(message);
});
send({ type: 'ready' });

/** Draws the page once its words are there. */
function start(first: Extract<HostMessage, { type: 'start' }>): void {
  if (receive) return;
  const { texts, left } = first;
  let { filter, isWrapped } = left;
  let held: Held = nothing;
  let marks: readonly Mark[] = [];
  let unfolded: ReadonlySet<string> = new Set();
  let query = 0;
  let isSearching = true;
  let asked: { readonly where: 'older' | 'newer'; readonly from: number } | undefined;
  let unseen = 0;
  let missed = false;
  let choices: Choices = { apps: [], runners: [], requests: [] };
  let toolbar: Toolbar | undefined;
  /** Where to scroll when the rows that were asked for arrive; `isJump`: select that row. */
  let wantedTop: number | null = null;
  let isJump = false;
  const runnerNumbers = new Map<string, number>();
  const requestNumbers = new Map<string, number>();
  const names: Names = {
    runner: (id) => {
      const number = runnerNumbers.get(id);
      return number === undefined ? '' : `r${number}`;
    },
    request: (id) => {
      const number = requestNumbers.get(id);
      return number === undefined ? '' : `#${number}`;
    },
  };

  const toolbarPlace = create('div', 'toolbar');
  const notice = create('div', 'notice');
  notice.setAttribute('role', 'status');
  notice.hidden = true;
  const empty = create('div', 'empty');
  const status = create('div', 'hidden-status');
  status.setAttribute('role', 'status');
  const list: List = createList({
    texts,
    names,
    onNear: more,
    onFollow() {
      if (list.isFollowing()) unseen = 0;
      if (list.isFollowing() && !held.isEnd) begin(null);
      drawNews();
      save();
    },
    onClick(item, part) {
      if (item.kind === 'row' && part === 'request' && item.row.requestId !== null)
        send({ type: 'openRequest', id: item.row.requestId });
      else if (part === 'place') openPlace(item);
      else toggle(item);
    },
  });
  const news = document.createElement('button');
  news.className = 'news';
  news.hidden = true;
  news.addEventListener('click', toEnd);
  const middle = create('div', 'middle');
  middle.append(empty, list.element, news);
  document.body.replaceChildren(toolbarPlace, notice, middle, status);
  list.setWrap(isWrapped);
  draw();

  receive = (message) => {
    switch (message.type) {
      case 'rows':
        if (message.query === query) takeRows(message);
        break;
      case 'found':
        if (message.query === query) found(message.seq);
        break;
      case 'marks':
        marks = message.marks;
        draw();
        break;
      case 'names':
        addNumbers(runnerNumbers, message.runners, ({ runnerId }) => runnerId);
        addNumbers(requestNumbers, message.requests, ({ requestId }) => requestId);
        list.redraw();
        toolbar?.setChoices(choices);
        break;
      case 'choices':
        choices = message.choices;
        toolbar?.setChoices(choices);
        break;
      case 'notice':
        drawNotice(message.notice);
        break;
      case 'filter':
        toolbar?.setFilter(message.filter);
        setFilter(message.filter);
        list.element.focus();
        break;
      case 'act':
        act(message.action);
        break;
      case 'start':
        break;
    }
  };
  begin(left.at);
  // The list doesn't wait for the toolkit.
  void Promise.all([import('../ui.ts'), import('./toolbar.ts')]).then(([ui, { createToolbar }]) => {
    toolbar = createToolbar({ ui, texts, names }, filter, setFilter);
    toolbarPlace.replaceWith(toolbar.element);
    toolbar.setChoices(choices);
    drawCount();
  });

  /** The host sends numbers with rows, so those of rows that the page has dropped aren't needed. */
  function addNumbers(known: Map<string, number>, more: Numbers, idOf: (row: Row) => string | null): void {
    for (const [id, number] of Object.entries(more)) known.set(id, number);
    if (known.size <= 2 * maxHeld) return;
    const needed = new Set(held.rows.map(idOf));
    for (const id of known.keys()) if (!needed.has(id)) known.delete(id);
  }

  /** Asks for all rows again. */
  function begin(at: number | null): void {
    query++;
    asked = undefined;
    isSearching = true;
    missed = false;
    unseen = 0;
    if (at === null && !list.isFollowing()) list.follow(true);
    if (at !== null && list.isFollowing()) list.follow(false);
    send({ type: 'query', query, filter, at });
    wantedTop = at;
    drawCount();
  }

  function takeRows(message: Extract<HostMessage, { type: 'rows' }>): void {
    const { where, rows, isPart } = message;
    if (where === 'live') {
      if (!list.isFollowing()) unseen += rows.length;
    } else {
      isSearching = isPart;
      if (!isPart) asked = undefined;
    }
    missed = where === 'reset' ? message.missed : missed || message.missed;
    held = withRows(held, message, list.isFollowing());
    draw();
    if (wantedTop !== null && where !== 'live') {
      const key = keyFrom(wantedTop);
      if (key !== undefined) {
        list.scrollTo(key);
        if (isJump) list.select(list.indexOf(key));
      }
      if (!isPart) {
        wantedTop = null;
        isJump = false;
      }
    }
  }

  /** The line of the first row with this number or a later one. */
  function keyFrom(seq: number): string | undefined {
    return list.items().find((item) => item.kind === 'row' && item.row.seq >= seq)?.key;
  }

  function more(where: 'older' | 'newer'): void {
    if (asked || isSearching) return;
    const from = where === 'older' ? held.before : held.isEnd ? null : (held.rows.at(-1)?.seq ?? null);
    if (from === null) return;
    asked = { where, from };
    send({ type: 'more', query, where, from });
  }

  function setFilter(next: Filter): void {
    filter = next;
    unfolded = new Set();
    held = nothing;
    begin(null);
    draw();
    save();
  }

  function toEnd(): void {
    unseen = 0;
    if (held.isEnd) list.follow(true);
    else begin(null);
    list.element.focus();
  }

  function toggle(item: Item): void {
    if (item.kind !== 'row' || item.isOpen === null) return;
    const next = new Set(unfolded);
    if (!next.delete(item.key)) next.add(item.key);
    unfolded = next;
    draw();
    // Following the end must not move the line away whose details are longer than the pane.
    list.select(list.indexOf(item.key));
  }

  function placeOf(item: Item | undefined) {
    return item?.kind === 'row' ? item.row.place : item?.kind === 'detail' ? item.detail.place : null;
  }

  function openPlace(item: Item | undefined): void {
    const place = placeOf(item);
    if (place) send({ type: 'openPlace', place });
  }

  /** To the next or previous error: first among the rows that the page has. */
  function jump(where: 'older' | 'newer'): void {
    const items = list.items();
    const chosen = list.selected();
    const start = chosen ? list.indexOf(chosen.key) : where === 'older' ? items.length : -1;
    const step = where === 'older' ? -1 : 1;
    for (let index = start + step; index >= 0 && index < items.length; index += step) {
      const item = items[index];
      if (item?.kind === 'row' && item.row.kind === 'error') {
        list.select(index);
        return;
      }
    }
    const from = where === 'older' ? held.before : held.isEnd ? null : held.rows.at(-1)?.seq;
    if (from === null || from === undefined) status.textContent = texts.noMoreErrors;
    else send({ type: 'findError', query, where, from });
  }

  function found(seq: number | null): void {
    if (seq === null) {
      status.textContent = texts.noMoreErrors;
      return;
    }
    isJump = true;
    begin(seq);
  }

  function copySelected(hasPrefix: boolean): void {
    const item = list.selected();
    const picked = getSelection()?.toString() ?? '';
    const text = item?.kind === 'row' ? textOf(item, names, hasPrefix) : '';
    if (picked !== '' || text !== '') copy(picked || text);
  }

  function copy(text: string): void {
    send({ type: 'copy', text });
    status.textContent = texts.copied;
  }

  function act(action: PageAction): void {
    switch (action) {
      case 'wrap':
        isWrapped = !isWrapped;
        list.setWrap(isWrapped);
        save();
        break;
      case 'copy': {
        const rows = list.items().filter((item) => item.kind === 'row');
        copy(`${rows.map((item) => textOf(item, names, true)).join('\n')}\n`);
        break;
      }
      case 'export':
        send({ type: 'export' });
        break;
      case 'server': {
        const next = { ...filter, server: !filter.server };
        toolbar?.setFilter(next);
        setFilter(next);
        break;
      }
      case 'clearFilter': {
        toolbar?.setFilter(noFilter);
        setFilter(noFilter);
        break;
      }
      case 'nextError':
        jump('newer');
        break;
      case 'previousError':
        jump('older');
        break;
    }
  }

  list.element.addEventListener('keydown', (event) => {
    if (event.altKey || event.metaKey || (event.ctrlKey && event.key !== 'Home' && event.key !== 'End')) return;
    const items = list.items();
    const chosen = list.selected();
    const at = chosen ? list.indexOf(chosen.key) : items.length;
    const page = Math.max(1, Math.floor(list.element.clientHeight / 20));
    const keys: { readonly [key: string]: () => void } = {
      ArrowUp: () => list.select(at - 1),
      ArrowDown: () => list.select(at + 1),
      PageUp: () => list.select(at - page),
      PageDown: () => list.select(at + page),
      Home: () => list.select(0),
      End: toEnd,
      Enter: () => (placeOf(chosen) ? openPlace(chosen) : chosen && toggle(chosen)),
      ArrowRight: () => chosen?.kind === 'row' && chosen.isOpen === false && toggle(chosen),
      ArrowLeft: () => chosen?.kind === 'row' && chosen.isOpen === true && toggle(chosen),
      n: () => jump('newer'),
      p: () => jump('older'),
      c: () => copySelected(false),
      C: () => copySelected(true),
      Escape: () => send({ type: 'leave' }),
    };
    const run = keys[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  });
  window.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
      event.preventDefault();
      toolbar?.focusText();
    } else if (event.key === 'Escape' && event.target !== list.element) list.element.focus();
  });
  let saving: ReturnType<typeof setTimeout> | undefined;
  list.element.addEventListener('scroll', () => {
    clearTimeout(saving);
    saving = setTimeout(save, 200);
  });

  function save(): void {
    const item = list.firstVisible();
    const at = list.isFollowing() ? null : item?.kind === 'row' ? item.row.seq : (held.rows[0]?.seq ?? null);
    send({ type: 'left', left: { filter, isWrapped, at } });
  }

  function draw(): void {
    list.show(itemsOf(held.rows, held.isEnd ? marks : marksBefore(held.rows), unfolded));
    drawNews();
    drawCount();
    const isFiltered = JSON.stringify({ ...filter, server: false }) !== JSON.stringify(noFilter);
    empty.hidden = held.rows.length > 0 || marks.length > 0;
    empty.textContent = isSearching ? '' : isFiltered ? texts.noMatches : texts.noLines;
  }

  function marksBefore(rows: readonly Row[]): readonly Mark[] {
    const last = rows.at(-1)?.at ?? 0;
    return marks.filter(({ at }) => at <= last);
  }

  function drawNews(): void {
    news.hidden = list.isFollowing() || (unseen === 0 && held.isEnd);
    news.textContent =
      unseen === 0 ? texts.toEnd : unseen === 1 ? texts.oneNewLine : format('newLines', unseen.toLocaleString());
  }

  function drawCount(): void {
    const count = held.rows.length;
    const lines =
      count === 1 ? texts.oneLine : format('lineCount', `${count.toLocaleString()}${count >= maxHeld ? '+' : ''}`);
    toolbar?.setCount(isSearching ? texts.searching : missed ? `${lines} · ${texts.missed}` : lines);
  }

  function drawNotice(shown: { readonly text: string; readonly canStart: boolean } | null): void {
    notice.hidden = shown === null;
    if (!shown) return;
    notice.textContent = shown.text;
    if (!shown.canStart) return;
    const button = document.createElement('button');
    button.textContent = texts.startEmulator;
    button.addEventListener('click', () => send({ type: 'startEmulator' }));
    notice.append(button);
  }

  function format(name: TextName, value: string): string {
    return texts[name].replace('{0}', value);
  }
}

function create(tag: 'div', name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}
