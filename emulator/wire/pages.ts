import * as z from 'zod';

// How a page in a browser is signed in: `minifal open` asks for a code, and the page exchanges it.

/** `app`: `name` or `owner/name`, whose page is wanted. */
export const pageCodeRequest = z.object({ app: z.string().min(1).max(200).exactOptional() });
/** `path`: of the page. */
export const pageCodeAnswer = z.object({ code: z.string(), path: z.string().startsWith('/dashboard/') });

export const pageSessionRequest = z.object({ code: z.string().max(200) });
/** `token`: for `Authorization: Key TOKEN`. */
export const pageSessionAnswer = z.object({ token: z.string() });
