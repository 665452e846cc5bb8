import { json, type RequestHandler, Router } from 'express';
import { decide } from '../../../storage/stored-file.ts';
import { HttpError } from '../http-error.ts';
import { partsBody } from './schemas.ts';
import { beginUpload, originFor, type StorageEdge } from './storage.ts';
import { userOf } from './user.ts';

/**
 * The CDN host's own API, which fal_client and the SDK's internal repository use
 * (docs/platform/rest.md#uploads-of-the-sdk, #uploads-of-the-clients): the raw body, or parts, with `Authorization:
 * <token_type> <token>`.
 */
export function cdnUploads(edge: StorageEdge): Router {
  const { uploads } = edge.storage;
  const router = Router();
  const signedIn: RequestHandler = (request, _response, next) => {
    if (userOf(request.headers, edge) === undefined) throw new HttpError(401, 'No valid token was sent.');
    next();
  };

  router.post('/files/upload', signedIn, async (request, response) => {
    const { uploadId, fileUrl } = beginUpload(request, edge, fileOf(request.headers));
    try {
      await uploads.putWhole(uploadId, request);
    } finally {
      await uploads.cancel(uploadId);
    }
    response.json({ access_url: fileUrl });
  });
  router.post('/files/upload/multipart', signedIn, (request, response) => {
    const { uploadId, fileUrl } = beginUpload(request, edge, fileOf(request.headers));
    response.json({ access_url: fileUrl, uploadId });
  });

  const upload = '/files/cdn/:id/:name/multipart/:uploadId';
  router.put(`${upload}/:part`, signedIn, async (request, response) => {
    const { uploadId, part } = request.params as { readonly uploadId: string; readonly part: string };
    const etag = await uploads.putPart(uploadId, Number(part), request);
    response.set('etag', `"${etag}"`).json({ partNumber: Number(part), etag });
  });
  router.post(`${upload}/complete`, signedIn, json({ limit: '2mb' }), async (request, response) => {
    const { id, name, uploadId } = request.params as { readonly [name: string]: string };
    await uploads.complete(uploadId ?? '', partsBody.parse(request.body).parts);
    response.json({ access_url: `${originFor(request, edge.hosts)}/files/cdn/${id}/${name}` });
  });
  return router;
}

function fileOf(headers: { readonly [name: string]: string | string[] | undefined }) {
  const name = headers['x-fal-file-name'];
  const type = headers['content-type'];
  return { name: typeof name === 'string' ? name : null, contentType: typeof type === 'string' ? type : null };
}

/**
 * Untrusted bytes, served from our address: no scripts, no forms, an origin of its own, and never interpreted as
 * another type.
 */
const harmless = {
  'content-security-policy':
    "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Pages of any origin may show them, as in the cloud: everyone who has the URL may read.
  'cross-origin-resource-policy': 'cross-origin',
  'access-control-allow-origin': '*',
  'cache-control': 'no-cache',
};

/**
 * Serves stored files: without a key, to pages of any origin, unless the file's ACL says otherwise. Registered before
 * the guard of the other paths, so it checks Host itself. Ranges and conditional requests are supported.
 */
export function cdnReads(edge: StorageEdge, ourHosts: readonly string[]): Router {
  const router = Router();
  router.get('/files/cdn/:id/:name', (request, response, next) => {
    if (!ourHosts.includes(request.headers.host ?? '')) return next();
    const found = edge.storage.files.find(request.params.id);
    const userId = userOf(request.headers, edge);
    const { account } = edge.catalog;
    const names = userId === account.userId ? [userId, account.nickname] : userId === undefined ? undefined : [userId];
    const decision = found && decide(found.file, names);
    if (found === undefined || decision === 'hide') throw new HttpError(404, 'There is no such file.');
    if (decision === 'forbid') throw new HttpError(403, 'The access rules of this file do not let you read it.');
    const { file, path } = found;
    response.set({ ...harmless, etag: `"${file.md5}"` });
    // Not sent through express, which would add a charset.
    response.setHeader('content-type', file.contentType);
    // dotfiles: the data folder is usually ~/.minifal.
    response.sendFile(path, { dotfiles: 'allow', cacheControl: false, lastModified: false }, (error) => {
      if (!error || response.headersSent) return;
      if (!('status' in error) || error.status !== 416) return next(error);
      response.removeHeader('content-type');
      response
        .status(416)
        .set('content-range', `bytes */${file.size}`)
        .json({ detail: 'The range is outside the file.' });
    });
  });
  return router;
}
