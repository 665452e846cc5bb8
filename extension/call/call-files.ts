import * as vscode from 'vscode';

/** Text that an editor shows as a read-only file. */
type Source = (uri: vscode.Uri) => Promise<string>;

/**
 * The files of `callScheme`: by authority, what gives their text. A file's time changes only with its text, because the
 * editor reads it again then.
 */
export function createCallFiles(sources: { readonly [authority: string]: Source }) {
  const known = new Map<string, { readonly bytes: Uint8Array; readonly mtime: number }>();
  const most = 200;

  async function look(uri: vscode.Uri): Promise<{ readonly bytes: Uint8Array; readonly mtime: number }> {
    const source = sources[uri.authority];
    if (!source) throw vscode.FileSystemError.FileNotFound(uri);
    const bytes = new TextEncoder().encode(await source(uri));
    const key = uri.toString();
    const before = known.get(key);
    if (before && Buffer.compare(before.bytes, bytes) === 0) return before;
    const now = { bytes, mtime: Math.max(Date.now(), (before?.mtime ?? 0) + 1) };
    known.delete(key);
    known.set(key, now);
    for (const old of known.keys()) if (known.size > most) known.delete(old);
    return now;
  }

  return {
    async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
      const { bytes, mtime } = await look(uri);
      return { type: vscode.FileType.File, ctime: 0, mtime, size: bytes.length };
    },
    readFile: async (uri: vscode.Uri): Promise<Uint8Array> => (await look(uri)).bytes,
  };
}
