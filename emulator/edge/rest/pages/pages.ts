import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Response, Router } from 'express';
import type { Hosts } from '../../../wire/hosts.ts';
import type { KnowsApp } from './apps.ts';
import { escaped, pageDocument, pageHeaders, textDocument } from './documents.ts';

const name = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const asset = /^[A-Za-z][\w-]*\.(js|css)$/;

/**
 * Pages in a browser, where the links of `fal deploy` lead (docs/platform/control-plane.md#commands). No key is
 * required, because a browser can't send one when it opens an address: the documents show nothing that the caller
 * doesn't know. Their scripts ask with the token of `access.ts`.
 */
export function pages({ hosts, knows }: { readonly hosts: Hosts; readonly knows: KnowsApp }): Router {
  const router = Router();
  const assets = assetsFolder();
  router.get('/dashboard/assets/:name', ({ params }, response, next) => {
    if (!asset.test(params.name)) return next();
    response.set({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    });
    // dotfiles: the extension is usually below ~/.vscode.
    response.sendFile(join(assets, params.name), { dotfiles: 'allow', cacheControl: false }, (error) => {
      if (error && !response.headersSent) next();
    });
  });
  router.get('/dashboard/logs', (_request, response) => send(response, 200, pageDocument));
  router.get('/dashboard/apps/:owner/:app/logs', ({ params: { owner, app } }, response, next) => {
    if (!name.test(owner) || !name.test(app)) return next();
    if (knows(owner, app)) send(response, 200, pageDocument);
    else sendUnknown(response, owner, app);
  });
  router.get<{ owner: string; app: string }>(
    ['/models/:owner/:app', '/dashboard/apps/:owner/:app', '/dashboard/apps/:owner/:app/*rest'],
    ({ params: { owner, app } }, response, next) => {
      if (!name.test(owner) || !name.test(app)) return next();
      if (!knows(owner, app)) return sendUnknown(response, owner, app);
      const [path, run, queue] = [`${owner}/${app}`, `https://${hosts.run}`, `https://${hosts.queue}`];
      send(response, 200, (nonce) =>
        textDocument(nonce, path, [
          `<a href="/dashboard/apps/${path}/logs">Log of the app</a>`,
          `Call it at <code>${run}/${path}</code>, or through the queue at <code>${queue}/${path}</code>.`,
          'minifal has no playground. In VS Code, use <b>Call</b> above the app.',
        ]),
      );
    },
  );
  return router;
}

function sendUnknown(response: Response, owner: string, app: string): void {
  send(response, 404, (nonce) =>
    textDocument(nonce, 'There is no such app', [
      `No app <code>${escaped(`${owner}/${app}`)}</code> is deployed here, and no <code>fal run</code> has this name.`,
      '<code>fal apps list</code> shows those that are deployed.',
      '<a href="/dashboard/logs">Log of all apps</a>',
    ]),
  );
}

function send(response: Response, status: number, documentOf: (nonce: string) => string): void {
  const nonce = randomBytes(16).toString('base64url');
  response.status(status).set(pageHeaders(nonce)).send(documentOf(nonce));
}

/** The folder of the pages' bundles, relative to the bundle of the emulator or to the sources. */
function assetsFolder(here: string = import.meta.dirname): string {
  const folders = ['webview', '../../../../dist/webview'].map((path) => join(here, path));
  return folders.find((folder) => existsSync(folder)) ?? join(here, 'webview');
}
