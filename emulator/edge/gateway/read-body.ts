import type { IncomingMessage } from 'node:http';

/** The whole body, or the reason why there is none. */
export async function readBody(req: IncomingMessage, limit: number): Promise<Buffer | 'too large' | 'caller gone'> {
  if (Number(req.headers['content-length'] ?? 0) > limit) return 'too large';
  const chunks: Buffer[] = [];
  let size = 0;
  return await new Promise((resolve) => {
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) resolve('too large');
      else chunks.push(chunk);
    });
    req.on('end', () => resolve(Buffer.concat(chunks, Math.min(size, limit))));
    req.on('close', () => resolve('caller gone'));
  });
}
