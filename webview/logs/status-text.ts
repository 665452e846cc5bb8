import type { TextName, Texts } from '../host.ts';
import { maxHeld } from './held.ts';

/** How many rows the page holds, next to the filters. Pure. */
export function countText(
  { rows, isSearching, missed }: { readonly rows: number; readonly isSearching: boolean; readonly missed: boolean },
  texts: Texts,
): string {
  if (isSearching) return texts.searching;
  const count = `${rows.toLocaleString()}${rows >= maxHeld ? '+' : ''}`;
  const lines = rows === 1 ? texts.oneLine : format(texts, 'lineCount', count);
  return missed ? `${lines} · ${texts.missed}` : lines;
}

/** The button to the end of the log. Pure. */
export function newsText(unseen: number, texts: Texts): string {
  if (unseen === 0) return texts.toEnd;
  return unseen === 1 ? texts.oneNewLine : format(texts, 'newLines', unseen.toLocaleString());
}

function format(texts: Texts, name: TextName, value: string): string {
  return texts[name].replace('{0}', value);
}
