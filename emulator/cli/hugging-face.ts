import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder in which huggingface_hub keeps this user's models (its own rules: HF_HOME, XDG_CACHE_HOME, the home
 * folder).
 */
export function huggingFaceCache(env: NodeJS.ProcessEnv): string {
  return env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
}

/** Whether the cache contains at least one model, data set or space. */
export function hasModels(cache: string): boolean {
  try {
    return readdirSync(join(cache, 'hub')).some((name) => /^(models|datasets|spaces)--/.test(name));
  } catch {
    return false;
  }
}
