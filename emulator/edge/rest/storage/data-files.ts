import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { json, type Request, Router } from 'express';
import { z } from 'zod';
import { fetchPublic, isPublicAddress } from '../../../storage/public-address.ts';
import type { Bytes } from '../../../storage/receive.ts';
import type { Storage } from '../../../storage/storage.ts';
import { partNumber } from '../schemas.ts';
import { formFile, wholeFormFile } from './form-file.ts';
import { partsBody } from './schemas.ts';

const urlBody = z.object({ url: z.string().max(8192) });
const renameBody = z.object({ destination: z.string() });
const hashBody = z.object({ hash: z.string() });
/** The client's own time limit. */
const fetchMs = 10 * 60 * 1000;
const maxForm = 100 * 1024 ** 2;
/** The client sends parts of 10 MB; the rest is room for the multipart frame. */
export const maxPart = 12 * 1024 ** 2;

export interface DataFilesEdge {
  readonly storage: Pick<Storage, 'dataFiles' | 'dataUploads'>;
  /** Whether a caller's URL at this address may be fetched. Default: only public addresses. */
  readonly mayFetchFrom?: (address: string) => boolean;
}

/**
 * `/data` files (docs/platform/rest.md#data-files). Paths are absolute and follow a prefix, hence `//`: routes match
 * the raw path, and `storage/data/paths.ts` interprets it. Every success is exactly 200.
 */
export function dataFiles({ storage, mayFetchFrom = isPublicAddress }: DataFilesEdge): Router {
  const { dataFiles: files, dataUploads: uploads } = storage;
  const router = Router();

  async function put(path: string, source: Bytes): Promise<void> {
    await files.check(path);
    const uploadId = uploads.begin(path);
    try {
      await uploads.putWhole(uploadId, source);
    } finally {
      await uploads.cancel(uploadId);
    }
  }

  router.get(/^\/files\/list(?:\/(?<path>.*))?$/, async (request, response) => {
    const entries = await files.list(pathOf(request));
    response.json(
      entries.map(({ path, size, isFile, updatedAt }) => ({
        path,
        size,
        is_file: isFile,
        updated_time: new Date(updatedAt).toISOString().replace('Z', '+00:00'),
      })),
    );
  });

  router.get(/^\/files\/file\/(?<path>.*)$/, async (request, response) => {
    const { handle, size } = await files.openFile(pathOf(request));
    response.set({ 'content-type': 'application/octet-stream', 'x-content-type-options': 'nosniff' });
    response.set('content-length', String(size));
    // A runner may be writing: never send more than was announced.
    const content = size === 0 ? Readable.from([]) : handle.createReadStream({ end: size - 1, autoClose: false });
    try {
      await pipeline(content, exactly(size), response);
    } catch {
      response.destroy();
    } finally {
      await handle.close();
    }
  });

  router.post(/^\/files\/file\/local\/(?<path>.*)$/, async (request, response) => {
    if (request.query.unzip === 'true') {
      await files.unpack(pathOf(request), await wholeFormFile(request, maxForm));
    } else await put(pathOf(request), formFile(request, maxForm));
    response.json(true);
  });

  router.post(/^\/files\/file\/url\/(?<path>.*)$/, json(), async (request, response) => {
    const { url } = urlBody.parse(request.body);
    await files.check(pathOf(request));
    const rules = { isAllowed: mayFetchFrom, signal: AbortSignal.timeout(fetchMs) };
    await put(pathOf(request), await fetchPublic(url, rules));
    response.json(true);
  });

  // The id comes after the path, which may have any number of slashes: read from the right.
  const upload = `^/files/file/multipart/(?<path>.*)/(?<id>[0-9a-f]{48})`;
  router.post(/^\/files\/file\/multipart\/(?<path>.*)\/initiate$/, async (request, response) => {
    await files.check(pathOf(request));
    response.json({ upload_id: uploads.begin(pathOf(request)) });
  });
  router.post(new RegExp(`${upload}/complete$`), json({ limit: '2mb' }), async (request, response) => {
    const { md5 } = await uploads.complete(idOf(request), partsBody.parse(request.body).parts);
    response.json({ etag: md5 });
  });
  router.post(new RegExp(`${upload}/cancel$`), async (request, response) => {
    await uploads.cancel(idOf(request));
    response.json({});
  });
  router.put(new RegExp(`${upload}/(?<part>[^/]+)$`), async (request, response) => {
    const number = partNumber.parse(request.params.part);
    const etag = await uploads.putPart(idOf(request), number, formFile(request, maxPart));
    response.json({ part_number: number, etag });
  });

  router.delete(/^\/files\/file\/(?<path>.*)$/, async (request, response) => {
    await files.remove(pathOf(request));
    response.json(true);
  });
  router.post(/^\/files\/rename\/(?<path>.*)$/, json(), async (request, response) => {
    await files.rename(pathOf(request), renameBody.parse(request.body).destination);
    response.json(true);
  });
  router.post(/^\/files\/dir\/check_hash\/(?<path>.*)$/, json(), async (request, response) => {
    response.json(await files.hasHash(pathOf(request), hashBody.parse(request.body).hash));
  });
  return router;
}

/** Fails if fewer bytes arrive than were announced: otherwise, the reader would treat the next answer as the rest. */
function exactly(size: number) {
  return async function* (content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let seen = 0;
    for await (const chunk of content) {
      seen += chunk.length;
      yield chunk;
    }
    if (seen < size) throw new Error('the file became shorter while it was read');
  };
}

/** The percent-encoding was decoded by express. */
function pathOf(request: Request): string {
  return String(request.params.path ?? '');
}

function idOf(request: Request): string {
  return String(request.params.id ?? '');
}
