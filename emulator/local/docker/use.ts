import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ContainerEngine, connectEngine } from './connect.ts';
import { ownerOf } from './labels.ts';

/** How an emulator uses the container engine of its machine. */
export interface EngineUse {
  /** The value of `ownerLabel` for all that it makes there. */
  readonly owner: string;
  /** An emulator has used the container engine for this data folder before, and may have left something there. */
  readonly wasUsed: boolean;
  /** Finds it, at the first call. Rejects with a UserError; then the next call looks again. */
  engine(): Promise<ContainerEngine>;
}

/** @param dataDir the data folder; the file `containers` in it marks that the container engine was used */
export function engineUse(dataDir: string, connect: () => Promise<ContainerEngine> = connectEngine): EngineUse {
  const mark = join(dataDir, 'containers');
  const wasUsed = existsSync(mark);
  let found: Promise<ContainerEngine> | undefined;

  async function find(): Promise<ContainerEngine> {
    const engine = await connect();
    writeFileSync(mark, '');
    return engine;
  }

  return {
    owner: ownerOf(dataDir),
    wasUsed,
    engine() {
      const finding = found ?? find();
      found = finding;
      finding.catch(() => {
        if (found === finding) found = undefined;
      });
      return finding;
    },
  };
}
