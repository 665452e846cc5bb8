import * as vscode from 'vscode';
import { fileEnding, isRequestDocument } from './address.ts';
import type { RequestFiles } from './request-files.ts';

/** Text that an editor shows as a read-only file. */
type Source = (uri: vscode.Uri) => Promise<string>;

/**
 * The files of `callScheme`: by authority, what gives their text; only requests can be written. A file's time changes
 * only with its text, because the editor reads it again then.
 */
export function createCallFiles(sources: { readonly [authority: string]: Source }, requests: RequestFiles) {
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
      // The editor looks whether the folder of a new file is there.
      if (isRequestDocument(uri) && !uri.path.endsWith(fileEnding)) return folderStat;
      const base = { type: vscode.FileType.File, ctime: 0 };
      if (isRequestDocument(uri)) return { ...base, ...(await found(uri, requests.stat(uri.path))) };
      const { bytes, mtime } = await look(uri);
      return { ...base, mtime, size: bytes.length, permissions: vscode.FilePermission.Readonly };
    },
    async readFile(uri: vscode.Uri): Promise<Uint8Array> {
      return isRequestDocument(uri) ? found(uri, requests.read(uri.path)) : (await look(uri)).bytes;
    },
    async writeFile(uri: vscode.Uri, bytes: Uint8Array): Promise<void> {
      if (!isRequestDocument(uri)) throw vscode.FileSystemError.NoPermissions(uri);
      await requests.write(uri.path, bytes);
    },
  };
}

const folderStat: vscode.FileStat = { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0 };

function found<T>(uri: vscode.Uri, work: Promise<T>): Promise<T> {
  return work.catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? vscode.FileSystemError.FileNotFound(uri) : error;
  });
}
