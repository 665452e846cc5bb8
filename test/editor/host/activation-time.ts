import type * as vscode from 'vscode';

/** The editor's own record of what has happened in this process. */
interface Marks {
  getMarks(): readonly { readonly name: string; readonly startTime: number }[];
}

/**
 * Waits until the extension is active, and returns how long its load and activation took, in milliseconds: by the
 * editor's own record, because it activates by itself once the window has started.
 */
export async function activationMs(extension: vscode.Extension<unknown>): Promise<number> {
  await extension.activate();
  const marks = (globalThis as unknown as { readonly MonacoPerformanceMarks: Marks }).MonacoPerformanceMarks.getMarks();
  const at = (what: string) => {
    const mark = marks.find(({ name }) => name === `code/extHost/${what}/${extension.id}`);
    if (!mark) throw new Error(`the editor has no mark ${what} for ${extension.id}`);
    return mark.startTime;
  };
  return at('didActivateExtension') - at('willLoadExtensionCode');
}
