import { json, Router } from 'express';
import type { AppFiles } from '../../../catalog/files/app-files.ts';
import { HttpError } from '../http-error.ts';
import { completeBody, fileHash, fileMetadata, missingHashesBody, partNumber } from '../schemas.ts';
import { maxPart } from './data-files.ts';
import { formFile } from './form-file.ts';

/** Hashes of some 200,000 files. */
const maxJson = '16mb';

/**
 * File sync of app files and Docker context (docs/platform/rest.md#app-files): which hashes are missing, then each file
 * in parts. A file that is already here is 409, which clients count as success.
 */
export function files(appFiles: AppFiles): Router {
  const router = Router();
  const jsonBody = json({ limit: maxJson });

  router.post('/files/missing_hashes', jsonBody, async ({ body }, response) => {
    response.json(await appFiles.missing(missingHashesBody.parse(body).hashes));
  });

  const upload = '/files/app/multipart/:hash';

  router.post(`${upload}/initiate`, jsonBody, ({ params, body }, response) => {
    const hash = fileHash.parse(params.hash);
    const metadata = fileMetadata.parse(body);
    if (metadata.hash !== hash) throw new HttpError(400, 'The hash in the URL and the one in the body differ.');
    if (appFiles.find(hash) !== undefined) throw new HttpError(409, 'The file already exists.');
    response.json({ upload_id: appFiles.beginUpload(hash, metadata.mode) });
  });

  // Before the part's route: `complete` and `cancel` are not part numbers.
  router.post(`${upload}/:uploadId/complete`, jsonBody, async ({ params, body }, response) => {
    const parts = completeBody.parse(body).parts.map((part) => ({ partNumber: part.part_number, etag: part.etag }));
    const done = await appFiles.completeUpload(params.uploadId, parts);
    if (done === 'unknown') throw unknownUpload();
    if (done === 'mismatch') throw new HttpError(400, 'The uploaded parts do not match the announced file.');
    response.json({ etag: params.hash });
  });

  router.post(`${upload}/:uploadId/cancel`, async ({ params }, response) => {
    await appFiles.cancelUpload(params.uploadId);
    response.json({});
  });

  router.put(`${upload}/:uploadId/:part`, async (request, response) => {
    const number = partNumber.parse(request.params.part);
    const stored = await appFiles.putPart(request.params.uploadId, number, formFile(request, maxPart));
    if (stored === 'unknown') throw unknownUpload();
    if (stored === 'too_large') throw new HttpError(413, 'The file is larger than 1 GB.');
    response.json({ part_number: number, etag: stored.etag });
  });

  return router;
}

function unknownUpload(): HttpError {
  return new HttpError(404, 'There is no such upload; start it again.');
}
