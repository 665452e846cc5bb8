import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A file of an archive: its content, or where that is on this machine. */
export interface TarEntry {
  /** POSIX, relative. */
  readonly path: string;
  /** st_mode, or the permissions alone. */
  readonly mode: number;
  readonly content: { readonly bytes: Uint8Array } | { readonly file: string };
}

/**
 * A tar archive of files, made while it is read. Times, owners and users are 0, so that the same files make the same
 * archive.
 */
export async function tarOf(entries: readonly TarEntry[]): Promise<Readable> {
  // In the bundle, the package has nothing but a default export.
  const { default: tar } = await import('tar-stream');
  const archive = tar.pack();

  async function add({ path, mode, content }: TarEntry): Promise<void> {
    const header = { name: path, mode: mode & 0o7777, mtime: new Date(0) };
    if ('bytes' in content) {
      archive.entry(header, Buffer.from(content.bytes));
      return;
    }
    const { size } = await stat(content.file);
    // It fails if the file has another size by now.
    await pipeline(createReadStream(content.file), archive.entry({ ...header, size }));
  }
  async function addAll(): Promise<void> {
    for (const entry of entries) await add(entry);
    archive.finalize();
  }
  addAll().catch((error: Error) => archive.destroy(error));
  return Readable.from(archive, { objectMode: false });
}
