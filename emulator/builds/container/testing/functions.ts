import { join } from 'node:path';
import { findUv } from '../../../../test/support/uv.ts';
import type { Mask } from '../../../telemetry/masking/mask.ts';
import { createFunctions } from '../functions.ts';

/** What functions in images need, in a test's folder. */
export function testFunctions(dataDir: string, mask: Mask) {
  return createFunctions({ dataDir, runnerSources: join(import.meta.dirname, '../../../runner'), uv: findUv, mask });
}
