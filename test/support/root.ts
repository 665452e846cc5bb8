import { join } from 'node:path';

/** The project's folder. */
export const root = join(import.meta.dirname, '..', '..');
/** Files that tests download or create once; ignored by git. */
export const cacheDir = join(root, 'test', '.cache');
