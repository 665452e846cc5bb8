import type { IncomingMessage } from 'node:http';
import { json, type Request, Router } from 'express';
import type { Catalog } from '../../../catalog/types.ts';
import type { Storage } from '../../../storage/storage.ts';
import type { Hosts } from '../../../wire/hosts.ts';
import { isTls } from '../../guard.ts';
import { contentTypeOf, initiateBody, initiateQuery, lifecycleHeader, partsBody, urlName } from './schemas.ts';
import { type StorageUser, uploadToken, userOf } from './user.ts';

export interface StorageEdge extends StorageUser {
  readonly storage: Storage;
  readonly catalog: Catalog;
  readonly hosts: Hosts;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** The SDK requires a token that stays valid for an hour. */
const tokenMs = 24 * 60 * 60 * 1000;

/** The address under which this caller reaches us: with TLS, unless the request came without. */
export function originFor(request: IncomingMessage, hosts: Hosts): string {
  return `${isTls(request) ? 'https' : 'http'}://${hosts.api}`;
}

/**
 * Registers an upload as the request's headers and the given names say. @returns the URLs of the file and of the upload
 */
export function beginUpload(
  request: Request,
  edge: StorageEdge,
  about: { readonly name: string | null | undefined; readonly contentType: string | null | undefined },
): { readonly uploadId: string; readonly fileUrl: string; readonly uploadUrl: string } {
  const { storage, catalog, hosts, clock } = edge;
  const { headers } = request;
  const lifecycle = headers['x-fal-object-lifecycle'] ?? headers['x-fal-object-lifecycle-preference'];
  const { expiresInSeconds, acl } = lifecycleHeader.parse(lifecycle);
  const id = storage.files.newId();
  const name = urlName(about.name);
  const uploadId = storage.uploads.begin({
    id,
    name,
    contentType: contentTypeOf(about.contentType),
    userId: userOf(headers, edge) ?? catalog.account.userId,
    expiresAt: expiresInSeconds === null ? null : clock() + expiresInSeconds * 1000,
    acl,
  });
  const origin = originFor(request, hosts);
  return { uploadId, fileUrl: `${origin}/files/cdn/${id}/${name}`, uploadUrl: `${origin}/storage/uploads/${uploadId}` };
}

/**
 * Beginning uploads, and tokens for the CDN (docs/platform/rest.md#uploads-of-the-sdk, #uploads-of-the-clients): needs
 * a key. Both storage types are the same here.
 */
export function storageUploads(edge: StorageEdge): Router {
  const router = Router();
  router.post(['/storage/upload/initiate', '/storage/upload/initiate-multipart'], json(), (request, response) => {
    initiateQuery.parse(request.query);
    const body = initiateBody.parse(request.body);
    const begun = beginUpload(request, edge, { name: body.file_name, contentType: body.content_type });
    response.json({ file_url: begun.fileUrl, upload_url: begun.uploadUrl });
  });
  router.post('/storage/auth/token', (request, response) => {
    const expiresAt = edge.clock() + tokenMs;
    const token = uploadToken(request.headers, edge, { userId: edge.catalog.account.userId, expiresAt });
    response.json({
      token,
      token_type: 'Bearer',
      base_url: originFor(request, edge.hosts),
      // With an offset: Python before 3.11 reads no `Z`.
      expires_at: new Date(expiresAt).toISOString().replace('Z', '+00:00'),
    });
  });
  return router;
}

/**
 * The bytes of uploads. Their ids are secrets that only their owner knows: no key is asked for
 * (docs/platform/rest.md#uploads-of-the-sdk).
 */
export function uploadTargets({ storage: { uploads }, hosts }: StorageEdge): Router {
  const router = Router();
  const target = '/storage/uploads/:uploadId';

  router.put(target, async (request, response) => {
    const { md5 } = await uploads.putWhole(request.params.uploadId, request);
    response.set('etag', `"${md5}"`).json({ etag: md5 });
  });
  router.post(`${target}/complete`, json({ limit: '2mb' }), async ({ params, body }, response) => {
    const { md5 } = await uploads.complete(params.uploadId, partsBody.parse(body).parts);
    response.json({ etag: md5 });
  });
  // The `gcs` type requests the URL of each part.
  router.post(`${target}/:part`, (request, response) => {
    const { uploadId, part } = request.params;
    response.json({ upload_url: `${originFor(request, hosts)}/storage/uploads/${uploadId}/${part}` });
  });
  router.put(`${target}/:part`, async (request, response) => {
    const partNumber = Number(request.params.part);
    const etag = await uploads.putPart(request.params.uploadId, partNumber, request);
    response.set('etag', `"${etag}"`).json({ partNumber, etag });
  });
  return router;
}
