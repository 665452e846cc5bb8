/** Texts in English, each with its translation. */
export type Words = { readonly [english: string]: string };

/** The extension is several bundles, each with its own copy of this module, so the words are a global. */
const shared = globalThis as { [name: symbol]: Words | undefined };
const place = Symbol.for('minifal.words');

/** Sets the words of the editor's language. Called before any text is made; without it, texts are in English. */
export function useWords(words: Words | undefined): void {
  shared[place] = words;
}

/**
 * A text for people in their language, like `vscode.l10n.t`, but for code that doesn't know `vscode`, too. In the text,
 * `{0}` is the first value. `scripts/words.ts` collects the texts, so that each has to be written out in the call.
 */
export function t(english: string, ...values: readonly (string | number)[]): string {
  const text = translated(english);
  return values.length === 0 ? text : text.replace(/\{(\d+)\}/g, (whole, index) => `${values[index] ?? whole}`);
}

/** The translation of a text that `scripts/words.ts` knows from a table. */
export function translated(english: string): string {
  return shared[place]?.[english] ?? english;
}
