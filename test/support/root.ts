import { join } from 'node:path';

/** The project's folder. */
export const root = join(import.meta.dirname, '..', '..');
/** What tests fetch and make once; git ignores it. */
export const cacheDir = join(root, 'test', '.cache');
