import { connect } from '../connection.ts';
import {
  type Choices,
  type Filter,
  type HostMessage,
  type Mark,
  noFilter,
  type PageAction,
  parseHostMessage,
} from '../host.ts';
import { create, createAround } from './around.ts';
import { createAsking } from './asking.ts';
import { isFiltered } from './filters.ts';
import { createFrames } from './frames.ts';
import { type Held, marksOf, nothing, withRows } from './held.ts';
import { type Item, itemsOf } from './items.ts';
import { type KeyAction, keyAction, placeOf } from './keys.ts';
import { textOf, textOfAll } from './line-text.ts';
import { createList, type List } from './list.ts';
import { createNames } from './names.ts';
import { nextError } from './next-error.ts';
import { countText } from './status-text.ts';
import type { Toolbar } from './toolbar.ts';

const { root, send, onMessage } = connect();

let receive: ((message: HostMessage) => void) | undefined;

onMessage((value) => {
  const message = parseHostMessage(value);
  if (message?.type === 'start') start(message);
  else if (message) receive?.(message);
});
send({ type: 'ready' });

/** How long scrolling pauses before its place is kept. */
const savingMs = 200;

/** Draws the page once its words are there. */
function start(first: Extract<HostMessage, { type: 'start' }>): void {
  if (receive) return;
  const { texts, left } = first;
  let { filter, isWrapped } = left;
  let held: Held = nothing;
  let marks: readonly Mark[] = [];
  let unfolded: ReadonlySet<string> = new Set();
  let unseen = 0;
  let choices: Choices = { apps: [], runners: [], requests: [] };
  let toolbar: Toolbar | undefined;
  const asking = createAsking(send);
  const names = createNames();
  const drawing = createFrames(draw);

  const list: List = createList({
    texts,
    names,
    onNear: (where) => asking.more(where, held),
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
  const toolbarPlace = create('div', 'toolbar');
  const around = createAround(texts, list.element, { startEmulator: () => send({ type: 'startEmulator' }), toEnd });
  root.replaceChildren(toolbarPlace, ...around.elements);
  list.setWrap(isWrapped);
  draw();

  receive = (message) => {
    switch (message.type) {
      case 'rows':
        if (asking.isAnswer(message)) takeRows(message);
        break;
      case 'found':
        if (!asking.isAnswer(message)) break;
        if (message.seq === null) around.say(texts.noMoreErrors);
        else begin(message.seq, true);
        break;
      case 'marks':
        marks = message.marks;
        draw();
        break;
      case 'numbers':
        names.add(message.numbers, held.rows);
        drawing.later();
        toolbar?.setChoices(choices);
        break;
      case 'choices':
        choices = message.choices;
        names.setApps(choices.apps);
        drawing.later();
        toolbar?.setChoices(choices);
        break;
      case 'notice':
        around.notice(message.notice);
        break;
      case 'filter':
        filterBy(message.filter, message.at);
        list.element.focus();
        break;
      case 'act':
        act(message.action);
        break;
      case 'start':
        break;
    }
  };
  begin(left.at, first.isJump);
  // The list doesn't wait for the toolkit.
  void Promise.all([import('../ui.ts'), import('./toolbar.ts')]).then(([ui, { createToolbar }]) => {
    toolbar = createToolbar({ ui, texts, names }, filter, setFilter);
    toolbarPlace.replaceWith(toolbar.element);
    toolbar.setChoices(choices);
    drawCount();
  });

  /** Asks for all rows again. */
  function begin(at: number | null, isJump = false): void {
    unseen = 0;
    asking.begin(filter, at, isJump);
    if (list.isFollowing() !== (at === null)) list.follow(at === null);
    drawCount();
  }

  function takeRows(message: Extract<HostMessage, { type: 'rows' }>): void {
    if (message.where === 'live' && !list.isFollowing()) unseen += message.rows.length;
    asking.answered(message);
    held = withRows(held, message, list.isFollowing());
    names.add(message.numbers, held.rows);
    if (message.where === 'live') {
      drawing.later();
      return;
    }
    draw();
    const wanted = asking.wantedBy(message);
    const key = wanted && keyFrom(wanted.seq);
    if (key === undefined) return;
    list.scrollTo(key);
    if (wanted?.isJump) list.select(list.indexOf(key));
  }

  /** The line of the first row with this number or a later one. */
  function keyFrom(seq: number): string | undefined {
    return list.items().find((item) => item.kind === 'row' && item.row.seq >= seq)?.key;
  }

  function setFilter(next: Filter, at: number | null = null): void {
    filter = next;
    unfolded = new Set();
    held = nothing;
    begin(at, at !== null);
    draw();
    save();
  }

  /** The same, by something else than the toolbar. */
  function filterBy(next: Filter, at: number | null = null): void {
    toolbar?.setFilter(next);
    setFilter(next, at);
  }

  function toEnd(): void {
    list.follow(true);
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

  function openPlace(item: Item): void {
    const place = placeOf(item);
    if (place) send({ type: 'openPlace', place });
  }

  /** To the next or previous error: first among the rows that the page has. */
  function toError(where: 'older' | 'newer'): void {
    const index = nextError(list.items(), list.selected(), where);
    if (index !== undefined) list.select(index);
    else if (!asking.findError(where, held)) around.say(texts.noMoreErrors);
  }

  function copy(text: string): void {
    if (text === '') return;
    send({ type: 'copy', text });
    around.say(texts.copied);
  }

  function copySelected(hasPrefix: boolean): void {
    const item = list.selected();
    const picked = getSelection()?.toString() ?? '';
    copy(picked || (item?.kind === 'row' ? textOf(item, names, hasPrefix) : ''));
  }

  function act(action: PageAction): void {
    switch (action) {
      case 'find':
        toolbar?.focusText();
        break;
      case 'wrap':
        isWrapped = !isWrapped;
        list.setWrap(isWrapped);
        save();
        break;
      case 'copy':
        copy(textOfAll(list.items(), names));
        break;
      case 'export':
        send({ type: 'export' });
        break;
      case 'server':
        filterBy({ ...filter, server: !filter.server });
        break;
      case 'clearFilter':
        filterBy(noFilter);
        break;
      case 'nextError':
        toError('newer');
        break;
      case 'previousError':
        toError('older');
        break;
    }
  }

  function actByKey(action: KeyAction): void {
    const selected = list.selected();
    switch (action.kind) {
      case 'select':
        list.select(action.index);
        break;
      case 'toEnd':
        toEnd();
        break;
      case 'toggle':
        if (selected) toggle(selected);
        break;
      case 'openPlace':
        send({ type: 'openPlace', place: action.place });
        break;
      case 'toError':
        toError(action.where);
        break;
      case 'copy':
        copySelected(action.hasPrefix);
        break;
      case 'leave':
        send({ type: 'leave' });
        break;
    }
  }

  list.element.addEventListener('keydown', (event) => {
    const selected = list.selected();
    const action = keyAction(event, {
      selected,
      at: selected ? list.indexOf(selected.key) : list.items().length,
      page: Math.max(1, Math.floor(list.element.clientHeight / 20)),
    });
    if (action === undefined) return;
    event.preventDefault();
    if (action) actByKey(action);
  });
  window.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && event.target !== list.element) list.element.focus();
  });
  // Before the editor's own listener, which would open the search of a text editor.
  const findByKey = (event: KeyboardEvent): void => {
    if (!(event.ctrlKey || event.metaKey) || event.key !== 'f') return;
    event.preventDefault();
    event.stopPropagation();
    toolbar?.focusText();
  };
  window.addEventListener('keydown', findByKey, { capture: true });
  // The editor gives the focus to the page, not to a part of it.
  const focusList = (): void => {
    if (document.activeElement === document.body) list.element.focus();
  };
  window.addEventListener('focus', focusList);
  if (document.hasFocus()) focusList();
  let saving: ReturnType<typeof setTimeout> | undefined;
  list.element.addEventListener('scroll', () => {
    clearTimeout(saving);
    saving = setTimeout(save, savingMs);
  });

  function save(): void {
    const item = list.firstVisible();
    const at = list.isFollowing() ? null : item?.kind === 'row' ? item.row.seq : (held.rows[0]?.seq ?? null);
    send({ type: 'left', left: { filter, isWrapped, at } });
  }

  function draw(): void {
    drawing.isDone();
    list.show(itemsOf(held.rows, marksOf(held, marks), unfolded, list.items()));
    drawNews();
    drawCount();
    const why = asking.isSearching() ? '' : isFiltered(filter) ? texts.noMatches : texts.noLines;
    around.empty(held.rows.length > 0 || marks.length > 0 ? null : why);
  }

  function drawNews(): void {
    around.news(list.isFollowing() || (unseen === 0 && held.isEnd) ? null : unseen);
  }

  function drawCount(): void {
    const [rows, isSearching, missed] = [held.rows.length, asking.isSearching(), asking.missed()];
    toolbar?.setCount(countText({ rows, isSearching, missed }, texts));
  }
}
