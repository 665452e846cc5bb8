import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where huggingface_hub keeps models for this person (its own rules: HF_HOME, XDG_CACHE_HOME, the home folder). */
export function huggingFaceCache(env: NodeJS.ProcessEnv): string {
  return env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
}

/** Whether at least one model, data set or space is in it. */
export function hasModels(cache: string): boolean {
  try {
    return readdirSync(join(cache, 'hub')).some((name) => /^(models|datasets|spaces)--/.test(name));
  } catch {
    return false;
  }
}
