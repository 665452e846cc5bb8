import type { Request } from 'express';
import { HttpError } from './http-error.ts';

/** The bytes of the form field `file_upload`, of a body that `express.raw` has read (rest-api.md §4, §5). */
export async function formFile(request: Request): Promise<Uint8Array> {
  const body: unknown = request.body;
  const contentType = request.headers['content-type'];
  if (!Buffer.isBuffer(body) || contentType === undefined) {
    throw new HttpError(400, 'A file is sent as multipart/form-data with the field `file_upload`.');
  }
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } })
    .formData()
    .catch(() => {
      throw new HttpError(400, 'The multipart body could not be read.');
    });
  const field = form.get('file_upload');
  if (field === null || typeof field === 'string') throw new HttpError(400, 'The field `file_upload` is missing.');
  return new Uint8Array(await field.arrayBuffer());
}
