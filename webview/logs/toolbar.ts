import { type Choices, type Filter, levels, noFilter, type TextName, type Texts } from '../host.ts';
import { setText } from './changes.ts';
import { isFiltered } from './filters.ts';
import type { Names } from './names.ts';

type Ui = typeof import('../ui.ts');

export interface Toolbar {
  readonly element: HTMLElement;
  setFilter(filter: Filter): void;
  setChoices(choices: Choices): void;
  setCount(text: string): void;
  focusText(): void;
}

const levelTexts = {
  all: 'levelAll',
  info: 'levelInfo',
  warning: 'levelWarning',
  error: 'levelError',
} as const satisfies { readonly [L in Filter['level']]: TextName };

/** How long a person may pause while typing before the log is searched. */
const typingMs = 150;
const any = '';

/** The filters, above the list. */
export function createToolbar(
  deps: { readonly ui: Ui; readonly texts: Texts; readonly names: Names },
  first: Filter,
  onChange: (filter: Filter) => void,
): Toolbar {
  const { ui, texts, names } = deps;
  let filter = first;
  let choices: Choices = { apps: [], runners: [], requests: [] };
  let typing: ReturnType<typeof setTimeout> | undefined;
  /** What was typed last: until it is searched for, it isn't part of the filter. */
  let typed = first.text;
  const change = (more: Partial<Filter>): void => {
    clearTimeout(typing);
    filter = { ...filter, text: typed, ...more };
    show();
    onChange(filter);
  };
  const app = ui.select(texts.app, (id) => change({ alias: id || null, runnerId: null, requestId: null }));
  const runner = ui.select(texts.runner, (id) => change({ runnerId: id || null }));
  const request = ui.select(texts.request, (id) => change({ requestId: id || null }));
  const level = ui.select(texts.level, (id) => change({ level: levels.find((one) => one === id) ?? noFilter.level }));
  const text = ui.textField(texts.filter, texts.filterHint, (value) => {
    typed = value;
    clearTimeout(typing);
    typing = setTimeout(() => change({}), typingMs);
  });
  const clear = ui.button(texts.clearFilter, () => {
    setTyped('');
    change({ ...noFilter, server: filter.server });
  });
  const count = document.createElement('span');
  count.className = 'count';
  const element = document.createElement('div');
  element.className = 'toolbar';
  element.setAttribute('role', 'toolbar');
  element.setAttribute('aria-label', texts.filter);
  element.append(...[app, runner, request, level, text].map((control) => control.element), clear, count);

  function setTyped(value: string): void {
    clearTimeout(typing);
    typed = value;
    text.set(value);
  }

  function show(): void {
    const { alias, runnerId, requestId } = filter;
    app.setChoices(
      withAll(texts.allApps, choices.apps, alias, (id) => id),
      alias ?? any,
    );
    runner.setChoices(withAll(texts.allRunners, choices.runners, runnerId, names.runner), runnerId ?? any);
    request.setChoices(withAll(texts.allRequests, choices.requests, requestId, names.request), requestId ?? any);
    level.setChoices(
      levels.map((one) => ({ value: one, label: texts[levelTexts[one]] })),
      filter.level,
    );
    clear.hidden = !isFiltered(filter);
  }

  show();
  setTyped(filter.text);
  return {
    element,
    setFilter(next) {
      filter = next;
      setTyped(next.text);
      show();
    },
    setChoices(next) {
      choices = next;
      show();
    },
    setCount(shown) {
      setText(count, shown);
    },
    focusText: () => text.element.focus(),
  };
}

/** The chosen one is always among them: it may be older than what the host lists. */
function withAll(all: string, known: Choices['apps'], chosen: string | null, nameOf: (id: string) => string) {
  const isMissing = chosen !== null && !known.some(({ id }) => id === chosen);
  const missing = isMissing ? [{ id: chosen, label: nameOf(chosen) || chosen.slice(0, 8) }] : [];
  return [{ id: any, label: all }, ...missing, ...known].map(({ id, label }) => ({ value: id, label }));
}
