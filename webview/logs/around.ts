import type { HostMessage, Texts } from '../host.ts';
import { setText } from './changes.ts';
import { newsText } from './status-text.ts';

type Notice = Extract<HostMessage, { type: 'notice' }>['notice'];

/** What is around the list: why rows may be missing or there are none, how many are new, words for screen readers. */
export function createAround(
  texts: Texts,
  list: HTMLElement,
  on: { readonly startEmulator: () => void; readonly toEnd: () => void },
) {
  const notice = create('div', 'notice');
  notice.setAttribute('role', 'status');
  notice.hidden = true;
  const empty = create('div', 'empty');
  const news = create('button', 'news');
  news.hidden = true;
  news.addEventListener('click', on.toEnd);
  const middle = create('div', 'middle');
  middle.append(empty, list, news);
  const status = create('div', 'hidden-status');
  status.setAttribute('role', 'status');

  return {
    elements: [notice, middle, status] as const,
    notice(shown: Notice): void {
      notice.hidden = shown === null;
      if (!shown) return;
      notice.textContent = shown.text;
      if (!shown.canStart) return;
      const button = create('button', '');
      button.textContent = texts.startEmulator;
      button.addEventListener('click', on.startEmulator);
      notice.append(button);
    },
    /** `null`: the list has lines. */
    empty(why: string | null): void {
      empty.hidden = why === null;
      setText(empty, why ?? '');
    },
    /** Rows that came while the list didn't follow its end; `null`: nothing is further down. */
    news(unseen: number | null): void {
      news.hidden = unseen === null;
      setText(news, newsText(unseen ?? 0, texts));
    },
    say(text: string): void {
      status.textContent = text;
    },
  };
}

export function create(tag: 'button' | 'div', name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}
