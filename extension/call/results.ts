import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Cancelled, Problem } from '../problem.ts';
import { send } from '../target/calls.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import { size } from './answer-text.ts';
import type { Medium } from './media.ts';

const limits = { bytes: 512 * 1024 * 1024, kept: 50 };

/** Opens images, sounds and videos of answers in the editor. A file is fetched only when somebody opens it. */
export function createResults(deps: { readonly link: Link; readonly folder: string }) {
  const { link, folder } = deps;

  async function bytesOf(url: string, signal: AbortSignal): Promise<Uint8Array> {
    if (url.startsWith('data:')) return new Uint8Array(await (await fetch(url)).arrayBuffer());
    const { hostname, port, pathname, search } = new URL(url);
    const { running } = link.snapshot();
    const isLocal = /^(localhost|127\.0\.0\.1)$/.test(hostname) && Number(port) === running?.ports.api;
    if (isLocal) {
      const local = await send(link.folder, { host: 'api', method: 'GET', path: `${pathname}${search}` }, signal);
      return bounded(local.status, local.body);
    }
    const response = await fetch(url, { signal });
    return bounded(response.status, response.body ?? []);
  }

  async function bounded(status: number, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
    if (status !== 200) throw new Problem(t('The result could not be fetched (status {0}).', status));
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > limits.bytes) throw new Problem(t('The result is larger than {0}.', size(limits.bytes)));
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async function show(name: string, bytes: Uint8Array, column: vscode.ViewColumn): Promise<void> {
    const own = join(folder, createHash('sha256').update(bytes).digest('hex').slice(0, 16));
    await mkdir(own, { recursive: true, mode: 0o700 });
    const path = join(own, name);
    await writeFile(path, bytes, { mode: 0o600 });
    await prune();
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(path), column);
  }

  async function prune(): Promise<void> {
    const names = await readdir(folder);
    const ages = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
    );
    const old = ages.sort((a, b) => b.at - a.at).slice(limits.kept);
    for (const { name } of old) await rm(join(folder, name), { recursive: true, force: true });
  }

  return {
    show,
    /** @throws Problem, Cancelled, errors of the connection and of the disk */
    async open(media: readonly Medium[], column: vscode.ViewColumn): Promise<void> {
      const [only, ...others] = media;
      const items = media.map((medium) => ({ label: medium.name, description: medium.url.slice(0, 100), medium }));
      const chosen =
        others.length === 0 ? only : (await vscode.window.showQuickPick(items, { title: t('Open Result') }))?.medium;
      if (!chosen) throw new Cancelled();
      const options = {
        location: vscode.ProgressLocation.Notification,
        title: t('Opening {0}', chosen.name),
        cancellable: true,
      };
      const bytes = await vscode.window.withProgress(options, (_, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => stop.abort(new Cancelled()));
        return bytesOf(chosen.url, stop.signal);
      });
      await show(chosen.name, bytes, column);
    },
  };
}
