import type { Texts } from '../host.ts';
import { setAttribute, setStyle } from './changes.ts';
import { isFollowed } from './following.ts';
import { createHeights } from './heights.ts';
import { viewOf } from './item-view.ts';
import type { Item } from './items.ts';
import type { Names } from './names.ts';

/** Lines outside of the visible part that are drawn, so that scrolling shows no gaps. */
const overscan = 8;
/** When this few pixels are left, the next rows are asked for. */
const nearPx = 400;

export interface List {
  readonly element: HTMLElement;
  /** Replaces all lines. Without following, what is on the screen stays where it is. */
  show(items: readonly Item[]): void;
  /** Draws those lines again whose names have changed. */
  redraw(): void;
  selected(): Item | undefined;
  select(index: number): void;
  indexOf(key: string): number;
  items(): readonly Item[];
  follow(isFollowing: boolean): void;
  isFollowing(): boolean;
  setWrap(isWrapped: boolean): void;
  /** The first visible line. */
  firstVisible(): Item | undefined;
  /** Puts a line at the top. */
  scrollTo(key: string): void;
}

/** A list of which only the visible lines exist as elements: a grid with one column of focus. */
export function createList(deps: {
  readonly texts: Texts;
  readonly names: Names;
  /** The end of the rows that the page has is near. */
  readonly onNear: (where: 'older' | 'newer') => void;
  readonly onFollow: () => void;
  readonly onClick: (item: Item, part: 'place' | 'request' | 'twisty' | 'text') => void;
}): List {
  const { texts, names, onNear, onFollow, onClick } = deps;
  const element = document.createElement('div');
  element.className = 'list';
  element.tabIndex = 0;
  element.setAttribute('role', 'treegrid');
  element.setAttribute('aria-label', texts.lines);
  const space = document.createElement('div');
  space.className = 'space';
  space.setAttribute('role', 'rowgroup');
  element.append(space);
  const drawn = new Map<string, { readonly of: string; readonly view: HTMLElement }>();
  const heights = createHeights(rowHeight());
  let items: readonly Item[] = [];
  let selectedKey: string | undefined;
  let isFollowing = true;
  let lastTop = 0;
  let isWrapped = false;

  function draw(): void {
    const from = Math.max(0, heights.at(element.scrollTop) - overscan);
    const to = Math.min(items.length, heights.at(element.scrollTop + element.clientHeight) + 1 + overscan);
    const visible = items.slice(from, to);
    const wanted = new Set(visible.map(({ key }) => key));
    for (const [key, { view }] of drawn) {
      if (wanted.has(key)) continue;
      view.remove();
      drawn.delete(key);
    }
    setStyle(space, 'paddingTop', `${heights.top(from)}px`);
    // In the order of the list, for selections with the mouse and for screen readers.
    let next = space.firstElementChild;
    for (const [offset, item] of visible.entries()) {
      const of = signature(item);
      let one = drawn.get(item.key);
      if (one?.of !== of) {
        if (next === one?.view) next = next?.nextElementSibling ?? null;
        one?.view.remove();
        one = { of, view: viewOf(item, names, texts) };
        one.view.id = idOf(item.key);
        one.view.dataset.key = item.key;
        drawn.set(item.key, one);
      }
      const { view } = one;
      setAttribute(view, 'aria-rowindex', String(from + offset + 1));
      setAttribute(view, 'aria-selected', String(item.key === selectedKey));
      if (next === view) next = next.nextElementSibling;
      else space.insertBefore(view, next);
    }
    const selected = selectedKey === undefined ? undefined : drawn.get(selectedKey);
    setAttribute(element, 'aria-activedescendant', selected?.view.id);
  }

  /** With wrapped lines, heights are known only after drawing. */
  function settle(): void {
    for (let round = 0; round < 4; round++) {
      if (isFollowing) {
        element.scrollTop = heights.total();
        lastTop = element.scrollTop;
      }
      draw();
      if (!isWrapped) return;
      const anchor = anchorOf();
      if (!heights.measure([...drawn].map(([key, { view }]) => [key, view.offsetHeight] as const))) return;
      resize();
      if (!isFollowing) restore(anchor);
    }
  }

  function resize(): void {
    setStyle(space, 'height', `${heights.total()}px`);
  }

  function anchorOf(): { readonly key: string; readonly offset: number } | undefined {
    const index = heights.at(element.scrollTop);
    const item = items[index];
    return item && { key: item.key, offset: element.scrollTop - heights.top(index) };
  }

  function restore(anchor: ReturnType<typeof anchorOf>): void {
    const index = anchor ? items.findIndex(({ key }) => key === anchor.key) : -1;
    if (anchor && index >= 0) element.scrollTop = heights.top(index) + anchor.offset;
  }

  /** What can change of a line that is drawn. */
  function signature(item: Item): string {
    if (item.kind !== 'row') return item.key;
    const { alias, runnerId, requestId, text, details } = item.row;
    const [runner, request] = [runnerId && names.runner(runnerId), requestId && names.request(requestId)];
    return `${names.app(alias)} ${runner} ${request} ${item.isOpen} ${item.lines} ${text.length} ${details.length}`;
  }

  element.addEventListener('scroll', () => {
    const { scrollTop: top } = element;
    const left = element.scrollHeight - element.clientHeight - top;
    const next = isFollowed({ isFollowed: isFollowing, top: lastTop }, { top, left });
    const isDrawn = next && isFollowing && top === lastTop;
    lastTop = top;
    if (next !== isFollowing) {
      isFollowing = next;
      onFollow();
    }
    if (!isDrawn) draw();
    if (element.scrollTop < nearPx) onNear('older');
    if (left < nearPx) onNear('newer');
  });
  element.addEventListener('click', ({ target }) => {
    if (!(target instanceof Element)) return;
    const key = target.closest<HTMLElement>('.row')?.dataset.key;
    const item = items.find((one) => one.key === key);
    if (!item) return;
    selectedKey = item.key;
    draw();
    // A selection of text with the mouse is not a click.
    if (getSelection()?.isCollapsed === false) return;
    const part = (['place', 'request', 'twisty'] as const).find((name) => target.closest(`.${name}`));
    onClick(item, part ?? 'text');
  });
  new ResizeObserver(() => {
    if (isWrapped) heights.forget();
    resize();
    settle();
  }).observe(element);

  return {
    element,
    show(next) {
      const anchor = anchorOf();
      items = next;
      heights.setLines(next);
      setAttribute(element, 'aria-rowcount', String(next.length));
      resize();
      if (!isFollowing) restore(anchor);
      settle();
    },
    redraw: settle,
    selected: () => items.find(({ key }) => key === selectedKey),
    select(index) {
      const item = items[Math.max(0, Math.min(items.length - 1, index))];
      if (!item) return;
      selectedKey = item.key;
      const at = items.indexOf(item);
      const [top, bottom] = [heights.top(at), heights.top(at + 1)];
      if (top < element.scrollTop) element.scrollTop = top;
      if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
      draw();
    },
    indexOf: (key) => items.findIndex((one) => one.key === key),
    items: () => items,
    follow(wanted) {
      isFollowing = wanted;
      settle();
      onFollow();
    },
    isFollowing: () => isFollowing,
    setWrap(wanted) {
      const anchor = anchorOf();
      isWrapped = wanted;
      element.classList.toggle('wrapped', wanted);
      heights.forget();
      resize();
      if (!isFollowing) restore(anchor);
      settle();
    },
    firstVisible: () => items[heights.at(element.scrollTop)],
    scrollTo(key) {
      restore({ key, offset: 0 });
      settle();
    },
  };
}

function idOf(key: string): string {
  return `item-${key.replaceAll(/[^\w]/g, '-')}`;
}

/** `--row` of page.css. */
function rowHeight(): number {
  const px = Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row'));
  return Number.isFinite(px) && px > 0 ? px : 18;
}
